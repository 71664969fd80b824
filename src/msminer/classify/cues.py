"""Words by which abstracts tell who was studied, what was done and how it went.

A phrase is words divided by blanks; a star ends a word's stem (improv* is improve, improved, improvement). Within one
group the longest phrase wins. Written from the guide of the gold labels and the usage of the field; weights are learned.
"""

from __future__ import annotations

from collections.abc import Mapping

Cues = Mapping[str, str]

# phrases are divided by commas
GIVEN: Cues = {
    "given": "treated with, treatment with, therapy with, treatment of, transplant* of, transplantation, transplanted, transplant, "
    "graft*, engraft*, implant*, inject*, infus*, administ*, received, receiving, administration of, delivery of, delivered, "
    "autologous, allogeneic, xenogeneic, haploidentical, donor*, cell therapy, cell based therapy, conditioning regimen, underwent, "
    "intervention, seeded, combined with, derived from, isolated from, harvested",
    "source": "derived, isolated, culture*, differentiat*, obtained from, expanded, passage, generated from",
    "aside": "such as, including, e g, for example, future, novel approaches, emerging, promising approach, have been proposed, "
    "may be, could be, potential source, perspectives",
    "drug": "placebo, mg, daily, dose, doses, drug, drugs, oral, tablets, monotherapy, agonist, antagonist, inhibitor, monoclonal antibod*, "
    "interferon*, glatiramer, natalizumab, fingolimod, ocrelizumab, rituximab, alemtuzumab, dimethyl fumarate, teriflunomide, "
    "cladribine, mitoxantrone, methylprednisolone, ofatumumab, siponimod, disease modifying, dmt, dmts, chemotherapy, "
    "radiotherapy, vitamin, supplementation, exercise, rehabilitation, training, surgery",
    "knockout": "knockout, knock out, deficient mice, deletion, deficiency, deficient, null mice, overexpress*, transgenic, ablation, "
    "silencing, sirna, shrna, conditional, mutant*, wild type, inhibition of, blockade of, neutraliz*, depletion of, lacking, loss of",
}

ROLE: Cues = {
    "aim": "aim*, objective*, purpose, we sought, goal, to determine, to investigate, to evaluate, to assess, to examine, to compare, to explore, "
    "we hypothes*, hypothesis, was to, were to, we investigated whether, in order to, here we investigate, this study was designed, "
    "we aimed, to test, study investigates, was undertaken",
    "method": "were randomi*, were enrolled, was performed, were performed, were included, was used, were used, were collected, "
    "were assigned, were divided, was measured, were measured, was assessed, were assessed, was evaluated, were evaluated, were recruited, "
    "were analyzed, were analysed, was analyzed, using, inclusion criteria, primary endpoint, primary outcome, end point, endpoints, "
    "outcome measures, were followed, methods, materials and methods, patients and methods, study design, eligible, searched, "
    "were treated with, were injected, was injected, were isolated, was isolated, was induced, data were, retrospectively, we analyzed, "
    "we analysed, we used, we performed, we conducted, we enrolled, we reviewed",
    "result": "results, result, we found, was found, were found, we observed, was observed, were observed, showed, shown, demonstrated, revealed, "
    "significantly, significant, p, compared with, compared to, versus, vs, than, mean, median, months, weeks, ci, or, hr, rr, "
    "95, %, ±, respectively, had, there was, there were, achieved, occurred, developed, experienced, findings, indicated, resulted in, "
    "led to, after treatment, at follow up, follow up, in contrast, furthermore, moreover, additionally, in addition, interestingly, notably",
    "conclusion": "conclusion*, in conclusion, we conclude, our results, our findings, our data, these results, these findings, these data, "
    "this study, the present study, our study, suggest*, indicate that, demonstrate that, demonstrates that, taken together, "
    "collectively, overall, in summary, thus, therefore, provide evidence, provides evidence, support*, findings suggest, "
    "results suggest, data suggest, may be, appears to be, is associated, interpretation, we show, we demonstrate, here we show, "
    "our work, discussion",
    "background": "background, introduction, is a, are a, is an, is the most, is one of, remains, remain, unknown, unclear, little is known, has been shown, "
    "have been shown, previous studies, previously, recent studies, has been reported, have been reported, characterized by, "
    "characterised by, is characterized, there is no, there are no, currently, increasingly, recently, in recent years, it is known, "
    "poorly understood, controversial, challenge, limited, leading cause",
    "review_talk": "this review, we review, is reviewed, are reviewed, we discuss, discussed, we summarize, summarized, summarised, summarizes, we describe, "
    "we highlight, highlights, overview, this article, this chapter, this paper, here we, focus* on, we also discuss, outlined, addressed",
    "future": "further studies, further research, future, are needed, is needed, is warranted, are warranted, larger studies, should be, "
    "will be, remains to be, need to, needed, required to, necessary to, future studies, clinical trials are",
    "study_of": "association, associated with, correlat*, predict*, prevalence, incidence, biomarker*, diagnos*, risk factor*, prognostic, "
    "epidemiolog*, genotype, polymorphism*, gene expression, characteristics, validity, reliability, sensitivity, specificity, "
    "questionnaire, survey, pathogenesis, mechanism*, expression of",
}

CHANGE: Cues = {
    "up": "increas*, higher, elevat*, enhanc*, greater, more, upregulat*, up regulat*, promot*, raised, rise, rose, gain*, longer, prolong*, "
    "augment*, stimulat*, accelerat*, boost*, larger, faster, expan*, facilitat*, induc*, activat*, strengthen*, highest, earlier",
    "down": "decreas*, reduc*, lower*, declin*, diminish*, downregulat*, down regulat*, fewer, less, inhibit*, suppress*, attenuat*, prevent*, "
    "block*, alleviat*, ameliorat*, mitigat*, limit*, delay*, shorter, shorten*, abrogat*, abolish*, smaller, minimi*, drop*, fell, "
    "slow*, halt*, depress*, lowest, reverse*, counteract*, relie*, absence of, absent, loss of, free of, freedom from, depleted",
    "better": "improv*, better, beneficial, benefit*, superior*, effective*, efficac*, success*, restor*, recover*, protect*, rescu*, favorable, "
    "favourable, promising, good, excellent, satisf*, positive, normaliz*, normalis*, preserv*, stable, stabili*, repair*, regenerat*, "
    "well tolerated, tolerated, safe, safely, safety, feasible, tolerable, tolerability, acceptable, advantage*, optimal, best, potent, "
    "ameliorat*, alleviat*, therapeutic, remission, responded, responders, response, viable, robust, heal*, complete, cure*, potential, "
    "relieved, useful, suitable, valuable, cost effective, cost saving, dominant, no evidence of disease activity, pain free, manageable",
    "worse": "worse*, deteriorat*, exacerbat*, aggravat*, impair*, detriment*, harm*, deleterious, inferior*, fail*, adverse*, poor*, severe*, toxic*, "
    "fatal, died, death*, mortality, complication*, infection*, risk, risks, injur*, damag*, unfavorable, unfavourable, lost, loss, progress*, "
    "relaps*, rebound, recurr*, deficit*, disrupt*, defect*, abnormal*, negative*, limited, concern*, serious, sepsis, tumor*, teratoma*, "
    "malignan*, reject*, rejection, lack of efficacy, unsafe, hamper*, compromis*, vulnerable, discontinu*, withdraw*, not recommended, "
    "caution, warning, life threatening, leukopenia, lymphopenia, pneumonia, nausea, hepatotoxic*, side effect*, costly, expensive, high cost",
    "nodiff": "no significant difference*, no difference*, no differences, not differ*, did not differ, no statistically significant, not statistically significant, "
    "not significant*, no significant*, ns, non significant, nonsignificant, similar*, comparable, equal*, equivalent, unchanged, "
    "no effect*, no change*, not change*, did not change, no improvement*, not improve*, did not improve, did not affect, not affect*, not alter*, "
    "no benefit*, not superior, non inferior*, noninferior*, no association, not associated, no evidence, not reduce*, did not reduce, "
    "did not increase, not increase*, did not show, did not result, without significant, failed to, no additional, no advantage, ineffective, "
    "not effective, no impact, not influence*, did not prevent, no clinical*, no apparent, same, remained, no superior*, lack of, no correlation, "
    "neither, nor, could not be, not prevent*, not different, little effect, little or no, insufficient evidence, no convincing",
    "no_bad": "no serious, no adverse, no severe, no major, no complication*, no infection*, no tumor*, no death*, no mortality, no treatment related, "
    "no serious adverse, no side effect*, no significant adverse, no toxic*, without adverse, without serious, without any, no relapse*, "
    "no patient*, none of, no cases, no case, no evidence of, no new, no transplant related, no teratoma, no signs, no significant side, "
    "no safety, not observed, were not observed, no increase*, no increased, no recurrence, no progression, without toxicity, without complications, "
    "free of, no graft, no treatment related mortality, no unexpected, no drug related, minor, mild, mild to moderate, transient, self limit*, minimal",
    "split": "however, but, although, whereas, while, despite, in contrast, except, only, nevertheless, nonetheless, on the other hand, conversely, "
    "mixed, inconsistent, conflicting, heterogene*, variable, varied, some, partial*, partly, transient*, temporar*, initially, subgroup, "
    "subset, both, either, dual, depending, dose dependent, time dependent, modest*, moderate*, slight*, marginal*, limited, unless, yet, though",
}

SIGN: Cues = {
    "good_noun": "survival, function*, recovery, repair, regeneration, healing, remyelination, myelination, myelin, differentiation, proliferation, "
    "quality of life, engraftment, viability, neurogenesis, bdnf, ngf, gdnf, neuroprotect*, formation, oligodendrocyt*, strength, volume, "
    "efficacy, remission, response rate, improvement, mbp, treg*, regulatory t, foxp3, il 10, tgf, m2, tolerance, union, range of motion, "
    "cognition, cognitive, memory, learning, walking, mobility, balance, gait, sleep, stiffness load, thickness, collagen, cartilage, angiogenesis, "
    "vascular*, ejection fraction, chondrogen*, osteogen*, migration, homing, chimerism, adherence, satisfaction, axonal growth, plasticity, "
    "preservation, antioxidant, benefit, scores, ability, anti inflammatory, integration, bone mineral",
    "bad_noun": "severity, relapse*, relapse rate, disability, edss, progression, lesion*, inflammation, inflammatory, infiltrat*, demyelination, apoptosis, "
    "death, deaths, mortality, pain, womac, vas, fatigue, depress*, anxiety, loss, damage, injury, infection*, risk, adverse, complication*, "
    "toxicity, gvhd, graft versus host, fibrosis, tumor*, cytokine*, proinflammatory, pro inflammatory, il 17, th17, th1, ifn, interferon gamma, tnf, "
    "il 6, il 1, microglia*, macrophage*, activation, gliosis, scar, atrophy, degeneration, neurodegeneration, oxidative stress, ros, symptom*, "
    "clinical score*, clinical signs, spasticity, recurrence, cost, costs, hospitali*, discontinuation, edema, necrosis, exacerbation*, "
    "disease activity, enhancing, paralysis, deficit*, impairment, dysfunction, stress, failure, permeability, leakage, neurotoxic*, incidence, "
    "eae, disease course, colitis, arthritis, burden, delay, need for, crp, nfl, neurofilament*, autoimmun*, blood loss, scores",
}

SUBJECT: Cues = {
    "human": "patient*, participant*, people with, persons with, individuals, subjects, women, men, children, adults, clinical trial*, cohort, volunteers, "
    "hospital, year old, cases, person, clinic, outpatient*, aged",
    "animal": "mouse, mice, murine, rat, rats, rabbit*, dog, dogs, canine, cat, cats, feline, horse*, equine, sheep, ovine, goat*, pig, pigs, porcine, swine, "
    "minipig*, monkey*, macaque*, marmoset*, zebrafish, xenopus, guinea pig*, hamster*, animals, animal model*, in vivo, rodent*, wistar, "
    "sprague dawley, c57bl, c57bl 6, balb, sjl, lewis rats, nude mice, knockout mice, transgenic mice, primates, drosophila",
    "cells": "in vitro, cultured, culture, cultures, cell line*, co culture*, coculture*, cells were, isolated, human cells, incubated, explant*, organotypic, "
    "organoid*, western blot, flow cytometry, pcr, rna seq, transcriptom*, proteom*, supernatant*, in silico, docking, simulation*, machine learning, "
    "post mortem, postmortem, autopsy, brain tissue, tissue samples, sections, transfect*",
    "ms_model": "model of multiple sclerosis, model of ms, ms model, models of ms, models of multiple sclerosis, mouse model of multiple sclerosis, "
    "demyelination model, demyelinating model, animal models of ms",
    "count_one": "a case, case of, one case, a patient, one patient, year old, this patient, the patient, our patient, two patients, three patients, two cases, "
    "three cases, single patient, a man, a woman, a boy, a girl, case report, we report, we present, we describe, her, his, she, he",
    "review_word": "literature, review*, studies, articles, publications, evidence, reported, trials, databases, pubmed, medline, embase, cochrane, published",
    "size": "n, patients were, participants were, total of, consecutive, enrolled",
}

GROUPS: Mapping[str, Cues] = {"given": GIVEN, "role": ROLE, "change": CHANGE, "sign": SIGN, "subject": SUBJECT}

TISSUE: Cues = {
    "marrow": "bone marrow, marrow, bm, iliac crest, bone mesenchymal",
    "fat": "adipose, fat, lipoaspirate*, liposuction, fat pad, subcutaneous adipose, adipos*",
    "cord": "umbilical cord, cord blood, umbilical, wharton jelly, wharton s jelly, huc, ucb, hucb, uc, wj",
    "elsewhere": "placenta*, amnio*, decidua*, dental pulp, dental, tooth, teeth, deciduous, periodontal, gingiva*, menstrual, endometri*, synovi*, synovial fluid, "
    "tonsil*, olfactory, tendon derived, muscle derived, skin derived, peripheral blood derived, cranial bone, bursa, cartilage derived, chorion*, "
    "meniscus derived, ligament derived, periosteum, periosteal, hair follicle, sf, syn, oe, sm, pb, stem cells from blood, turbinate, limbal, adrenal",
    "fetal": "fetal, foetal, fetus, embryo, embryonic, embryos",
    "stem_word": "stem cell*, stem, stemness, progenitor*, precursor*, stromal cell*, mesenchymal, pluripotent, multipotent",
    "chondrocyte": "chondrocyte*, fibroblast*, platelet rich plasma, prp, microfracture, scaffold*, hydrogel*",
    "marrow_transplant": "transplanted with bone marrow, bone marrow cells, bone marrow chimer*, chimeric mice, chimeras, lethally irradiated, transplant recipients, "
    "marrow cells, bone marrow transfer, adoptive transfer, stem cell transplant*, myeloablat*, cyclophosphamide, conditioning, engraft*, graft",
    "opc_words": "oligodendrocyte precursor*, oligodendrocyte progenitor*, opc, opcs, oligodendrogenesis, remyelinat*, myelin repair, endogenous, neural progenitor*, "
    "neurogenesis, niche, resident, subventricular zone, subgranular, dentate gyrus, progenitor cells, mobiliz*, homing, doublecortin",
}

DISEASE: Cues = {
    "named": "disease*, syndrome*, injur*, disorder*, cancer*, carcinoma*, leukemia*, leukaemia*, lymphoma*, myeloma, tumor*, tumour*, osteoarthritis, arthritis, "
    "defect*, fracture*, tear*, stroke, ischemi*, diabet*, infarct*, fibrosis, cirrhosis, colitis, crohn*, psoriasis, lupus, scleroderma, sclerosis lateral, "
    "amyotrophic, parkinson*, alzheimer*, huntington*, neuropath*, tendinopath*, osteonecrosis, necrosis, infection*, virus, covid, sepsis, glioma*, glioblastoma, "
    "neuromyelitis, nmosd, optic neuritis, myasthenia, anemia, thalassemia, sickle, epilepsy, autism, dementia, depression, schizophrenia, obesity, asthma, "
    "osteoporosis, cartilage, tendon, knee, bone, spinal cord injury, heart failure, kidney, liver, lung, transplant rejection, adhesion, wound*, ulcer*, burn*, "
    "als, oa, sci, ad, pd, hd, aml, cll, all, mog antibody, mogad, guillain, cidp, gbs",
    "ms_plain": "multiple sclerosis, ms, pwms, rrms, spms, ppms",
    "ms_people": "patients with multiple sclerosis, patients with ms, ms patient*, people with multiple sclerosis, people with ms, persons with ms, pwms, ms subject*, "
    "multiple sclerosis patient*, persons with multiple sclerosis, individuals with multiple sclerosis, individuals with ms, rrms patient*, "
    "patients with relapsing, relapsing remitting patients, ms cohort, treatment of multiple sclerosis, treatment of ms, therapy for multiple sclerosis, "
    "women with ms, women with multiple sclerosis, ms cases, progressive patients, ms relapse*, ms therap*",
    "ms_listed": "such as multiple sclerosis, including multiple sclerosis, like multiple sclerosis, such as ms, including ms, and multiple sclerosis, multiple sclerosis and, "
    "or multiple sclerosis, e g multiple sclerosis, multiple sclerosis ms and, and ms",
    "controls": "healthy control*, healthy donor*, healthy volunteer*, healthy subject*, healthy individual*, controls, hc, hcs, healthy, normal volunteers, healthy people",
}
GROUPS = {**GROUPS, "tissue": TISSUE, "disease": DISEASE}
