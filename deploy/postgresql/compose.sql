-- What the PostgreSQL of compose.yaml begins with, run once by its superuser on an empty volume: a role that owns the
-- ledger's database and may do nothing else. The password given is that role's; the superuser is left without one, so
-- that it can't log in over the network.
\getenv password POSTGRES_PASSWORD
CREATE ROLE upswell LOGIN PASSWORD :'password';
CREATE DATABASE upswell OWNER upswell;
ALTER ROLE postgres PASSWORD NULL;
