-- Prefect's own tables live beside the store's, in a database of their own.
CREATE DATABASE prefect;
