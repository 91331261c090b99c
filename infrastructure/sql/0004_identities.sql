-- A number that was registered for the wrong person belongs, once that has been corrected, to whom
-- it is registered for next: the index follows the last entry that names it. Run once, as the owner.

GRANT UPDATE (person) ON identities TO {writer};
