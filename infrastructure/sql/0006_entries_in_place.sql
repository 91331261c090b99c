-- Entries of up to 4 KB stay in the journal's own pages. Those about people are a little longer than
-- the 2 KB from which on PostgreSQL tries to compress them (in vain: they are boxes and hashes) and
-- puts them aside; longer ones are lists of texts, which it does well to compress. What is stored
-- stays where it is. Run once, as the owner.

ALTER TABLE journal SET (toast_tuple_target = 4080);
