"""Every context of the office's work, imported: facts, commands, rules and ledgers are complete.

Who needs the registers (`FACTS`, `COMMANDS`, `RULES`, `LEDGERS`) takes them from here, so that
nobody finds one half filled.
"""

from __future__ import annotations

from application import (
    documents,
    institutions,
    laws,
    quotas,
    rights,
    rights_adjusting,
    rights_admissions,
    rights_compiling,
    rights_editions,
    rights_matters,
    settings,
    staffing,
)
from application.ledgers import LEDGERS
from domain import (
    institutions_changes,
    opening,
    rights_applying,
    rights_assigning,
    rights_founding,
    rights_handing_down,
    rights_handing_over,
    rights_opening,
    rights_submitting,
)
from domain.deciding import COMMANDS, RULES
from domain.vocabulary import FACTS

CONTEXTS = (
    settings,
    documents,
    institutions,
    institutions_changes,
    quotas,
    staffing,
    opening,
    laws,
    rights,
    rights_adjusting,
    rights_applying,
    rights_compiling,
    rights_editions,
    rights_opening,
    rights_submitting,
    rights_admissions,
    rights_matters,
    rights_assigning,
    rights_handing_over,
    rights_handing_down,
    rights_founding,
)
"""The modules that fill the registers when they are imported, in story order."""

__all__ = ["COMMANDS", "CONTEXTS", "FACTS", "LEDGERS", "RULES"]
