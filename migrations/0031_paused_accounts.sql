-- 1: nothing of the account is handed out (library API 10.2). Its partition decides, and its drain writes it here.
ALTER TABLE accounts ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
