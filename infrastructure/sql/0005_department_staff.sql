-- Staff of a department draft its rights list: their account belongs to an institution, by its
-- internal id. Run once, as the owner.

ALTER TABLE accounts
    ADD COLUMN institution text,
    ADD CHECK (NOT 'department' = ANY(roles) OR cardinality(roles) = 1),
    ADD CHECK (('department' = ANY(roles)) = (institution IS NOT NULL));
