"""Townships' matters: listed through the gate, handed over, evaluated, taken back, ended."""

from __future__ import annotations

from datetime import date
from typing import Any

from application.standings import later_entries_keep_their_footing
from domain.code_sets import InstitutionCategory, InstitutionRank
from domain.code_sets_rights import BodyNature, PowerOrigin
from domain.code_sets_townships import ActingName, EvaluationResult, MatterDuty, MatterOrigin
from domain.deciding import Hindrance
from domain.institutions_changes import AbolishInstitution
from domain.rights import ItemAdded, item_is_on_the_list
from domain.rights_adjusting import AdjustmentApproved, Opinion
from domain.rights_admissions import (
    AdmissionApplied,
    AdmissionDecided,
    ApplyForAdmission,
    DecideAdmission,
    TownshipOpinion,
    admission_awaits_decision,
    admission_rests_on_a_document,
    body_is_a_township,
    body_is_not_a_township,
    townships_were_heard,
)
from domain.rights_assigning import (
    ListMatter,
    TakeOverMatter,
    acting_name_fits_the_origin,
    empowering_rests_on_the_province,
    entrusting_has_a_written_term,
    item_goes_on,
    item_is_of_the_departments_named,
    matter_has_passed_the_gate,
    matter_is_classified,
    shared_duty_names_who_leads,
    taken_back_matter_names_who_takes_it,
    taking_back_ends_a_matter,
    township_does_it_once,
    what_was_entrusted_is_not_entrusted_on,
)
from domain.rights_handing_down import capacity_of_the_townships_is_described
from domain.rights_handing_over import (
    CancelMatters,
    EvaluateMatters,
    HandOverMatters,
    TakeBackMatters,
    enough_people_are_certified,
    handed_over_before_it_is_evaluated,
    matter_is_handed_over_once,
    township_carries_it_out,
    township_has_no_matters_left,
)
from domain.rights_leaving import ItemRemoved
from domain.rights_matters import (
    Matter,
    MatterCancelled,
    MatterEvaluated,
    MatterHandedOver,
    MatterListed,
    MatterTakenBack,
    MatterTakenOver,
)
from domain.settings import ChangeSetting
from tests.district import DAY
from tests.rights_district import K, Listed, change

ORIGIN, DUTY = MatterOrigin, MatterDuty
AUGUST, SEPTEMBER, OCTOBER = date(2021, 8, 2), date(2021, 9, 1), date(2021, 10, 8)
NAME = "种子质量监督检查"


class Townships(Listed):
    """A district with two townships, an item of the department of agriculture, and the gate."""

    def __init__(self) -> None:
        super().__init__(today=OCTOBER, since=DAY)
        category, rank = InstitutionCategory.TOWNSHIP, InstitutionRank.SECTION
        self.other_town = self.office("和平镇人民政府", category, rank, self.since)
        self.both = (self.town, self.other_town)
        self.seeds = self.item()
        self.province = self.document("province")

    def applying_for(self, *names: str, **more: Any) -> ApplyForAdmission:
        """An application for the gate, both townships heard."""
        heard = tuple(
            TownshipOpinion(township=one, agrees=True, opinion="同意承接。") for one in self.both
        )
        fields: dict[str, Any] = {"effective_on": DAY, "department": self.farms}
        fields |= {"townships": self.both, "reason": "方便群众。", "opinions": heard}
        return ApplyForAdmission(matters=names or (NAME,), **(fields | more))

    def deciding_on(self, admission: str, **more: Any) -> DecideAdmission:
        """A decision that lets it through."""
        fields: dict[str, Any] = {"effective_on": DAY, "admitted": True, "decided_by": "both"}
        return DecideAdmission(admission=admission, **(fields | {"basis": self.citing()} | more))

    def admitted(self, *matters: str) -> str:
        """Let matters through the gate to both townships; return the admission's id."""
        self.file(self.applying_for(*matters))
        admission = self.last(AdmissionApplied).admission
        self.file(self.deciding_on(admission))
        return admission

    def listing(self, **more: Any) -> ListMatter:
        """A statutory matter of the first township, unless more is said."""
        fields: dict[str, Any] = {"effective_on": DAY, "name": NAME, "townships": (self.town,)}
        fields |= {
            "origin": ORIGIN.STATUTORY,
            "acting": ActingName.TOWNSHIP,
            "basis": self.citing(),
        }
        return ListMatter(**(fields | more))

    def empowering(self, **more: Any) -> ListMatter:
        """An empowering of both townships under the department's item."""
        fields: dict[str, Any] = {"origin": ORIGIN.EMPOWERED, "townships": self.both}
        fields |= {"items": (self.seeds,), "basis": self.citing(self.province)}
        return self.listing(**(fields | more))

    def entrusting(self, **more: Any) -> ListMatter:
        """An entrusting of the first township until the first of October."""
        fields: dict[str, Any] = {"origin": ORIGIN.ENTRUSTED, "acting": ActingName.COUNTY}
        fields |= {"items": (self.seeds,), "deed": "示农委〔2021〕1号", "until": OCTOBER}
        return self.listing(**(fields | more))

    def listed(self, command: ListMatter) -> list[str]:
        """List; return the matters' ids."""
        self.file(command)
        return [e.fact.matter for e in self.appended if isinstance(e.fact, MatterListed)]

    def handing_over(self, *matters: str, **more: Any) -> HandOverMatters:
        """A hand-over with enough people."""
        fields: dict[str, Any] = {"effective_on": AUGUST, "team": "综合行政执法队", "certified": 3}
        return HandOverMatters(matters=matters, basis=self.citing(), **(fields | more))

    def evaluating(self, *matters: str, day: date = SEPTEMBER) -> EvaluateMatters:
        """An evaluation that finds all well."""
        return EvaluateMatters(
            effective_on=day, matters=matters, result=EvaluationResult.FIT, opinion="办理规范。"
        )

    def taking_back(self, *matters: str, day: date = SEPTEMBER) -> TakeBackMatters:
        """A taking back by the department of agriculture."""
        return TakeBackMatters(
            effective_on=day,
            matters=matters,
            taken_back_by=self.farms,
            mode="由区农业农村局派人检查。",
            basis=self.citing(),
        )

    def cancelling(self, *matters: str, day: date = SEPTEMBER) -> CancelMatters:
        """A cancelling."""
        return CancelMatters(effective_on=day, matters=matters, reason="依据废止。")


# ── the way of a matter ──────────────────────────────────────────────────────────────────────


def test_one_item_is_carried_out_by_many_townships() -> None:
    """Through the gate, handed over, evaluated, taken back: each township's for itself."""
    story = Townships()
    admission = story.admitted()
    first, second = story.listed(story.empowering(admission=admission))
    row = story.row("rights_matters", first, DAY)
    assert (row.origin, row.acting, row.state) == ("empowered", "township", "listed")
    assert (row.items, row.department, row.admission) == (story.seeds, story.farms, admission)
    story.when(story.handing_over(first, second)).then(MatterHandedOver, MatterHandedOver)
    row = story.row("rights_matters", second, AUGUST)
    assert (row.state, row.team, row.certified) == ("handed-over", "综合行政执法队", 3)
    assert row.evaluate_by == date(2022, 8, 1)
    story.when(story.evaluating(second)).then(MatterEvaluated)
    story.when(story.taking_back(first)).then(MatterTakenBack)
    row = story.row("rights_matters", first, SEPTEMBER)
    assert (row.state, row.ended_on, row.taken_back_by) == ("taken-back", SEPTEMBER, story.farms)
    assert row.mode == "由区农业农村局派人检查。"
    row = story.row("rights_matters", second, SEPTEMBER)
    assert (row.state, row.result, row.evaluate_by) == ("handed-over", "fit", date(2022, 8, 31))
    sums = story.sums("rights_matters_summary", SEPTEMBER)
    figures = {"matters": 0, "listed": 1, "ended": 1, "taken_back": 1}
    assert sums[story.town, "empowered", ""] == figures
    assert sums[story.other_town, "empowered", ""]["matters"] == 1
    assert story.row("rights_items", story.seeds, SEPTEMBER).department == story.farms


def test_both_clocks_tell_of_a_matter() -> None:
    """What was filed late is seen from its day on, and was not known before."""
    story = Townships()
    (matter,) = story.listed(story.listing(effective_on=AUGUST))
    known = story.position(MatterListed)
    story.given(story.cancelling(matter))
    assert story.row("rights_matters", matter, SEPTEMBER).state == "cancelled"
    assert story.row("rights_matters", matter, SEPTEMBER, known).state == "listed"
    assert story.row("rights_matters", matter, DAY) is None
    at = story.position(MatterCancelled)
    story.given(story.voiding(at))
    assert story.row("rights_matters", matter, SEPTEMBER).state == "listed"
    moved = story.listing(effective_on=DAY, duty=DUTY.BASIC)
    story.given(story.correcting((known, moved)))
    assert story.row("rights_matters", matter, DAY).duty == "basic"


def test_an_entrusting_ends_by_itself() -> None:
    """On its last day; nothing is done about it afterwards, and the item may go."""
    story = Townships()
    (matter,) = story.listed(story.entrusting(admission=story.admitted()))
    row = story.row("rights_matters", matter, OCTOBER)
    assert (row.state, row.ended_on, row.until) == ("expired", OCTOBER, OCTOBER)
    key = (story.town, "entrusted", "")
    assert story.sums("rights_matters_summary", SEPTEMBER)[key]["matters"] == 1
    assert story.sums("rights_matters_summary", OCTOBER)[key]["matters"] == 0
    late = story.handing_over(matter, effective_on=OCTOBER)
    story.when(late).refused_by(township_carries_it_out, "自2021-10-08起不再承担")
    story.adjusted(change(K.CANCEL, story.seeds), day=OCTOBER)
    assert story.names(on=OCTOBER) == []
    story.when(story.taking_back(matter)).then(MatterTakenBack)
    assert story.row("rights_matters", matter, OCTOBER).state == "taken-back"
    sums = story.sums("rights_matters_summary", OCTOBER)[key]
    assert (sums["matters"], sums["ended"]) == (0, 1)


def test_published_lists_are_taken_over_in_both_classifications() -> None:
    """As they are: repeats, and what had been taken back before."""
    story = Townships()
    fields: dict[str, Any] = {"effective_on": DAY, "township": story.town, "name": NAME}
    fields |= {"acting": ActingName.TOWNSHIP, "origin": ORIGIN.SERVICE, "duty": DUTY.BASIC}
    story.when(TakeOverMatter(**fields)).then(MatterTakenOver)
    again = TakeOverMatter(**fields)
    story.when(again).refused_by(township_does_it_once, "示范镇人民政府已有")
    story.when(TakeOverMatter(**fields, repeats=True)).then(MatterTakenOver)
    back = fields | {"duty": DUTY.TAKEN_BACK, "origin": None}
    story.when(TakeOverMatter(**back)).refused_by(taken_back_matter_names_who_takes_it)
    whole = TakeOverMatter(**back, taken_back_by=story.farms, taken_back_mode="直接办理。")
    matter = story.when(whole).then_one(MatterTakenOver).matter
    assert story.row("rights_matters", matter, DAY).state == "taken-back"
    sums = story.sums("rights_matters_summary", DAY)
    assert sums[story.town, "service", "basic"]["matters"] == 2
    assert sums[story.town, "", "taken-back"] == dict.fromkeys(
        sums[story.town, "", "taken-back"], 0
    ) | {"taken_back": 1}
    story.when(story.handing_over(matter)).refused_by(township_carries_it_out)


# ── the gate ─────────────────────────────────────────────────────────────────────────────────


def test_no_department_gives_duties_to_townships_without_the_gate() -> None:
    """Handed down, empowered, entrusted, to be helped with: the matters and townships it names."""
    story = Townships()
    story.when(story.empowering()).refused_by(matter_has_passed_the_gate, "申请的编号")
    story.file(story.applying_for())
    admission = story.last(AdmissionApplied).admission
    at = story.position(AdmissionApplied)
    given = story.empowering(admission=admission)
    story.when(given).refused_by(matter_has_passed_the_gate, "没有审定通过", at=[at])
    story.given(story.deciding_on(admission, effective_on=AUGUST))
    story.when(given).refused_by(matter_has_passed_the_gate, "2021-08-02审定")
    other = story.empowering(admission=admission, name="另一项", effective_on=AUGUST)
    story.when(other).refused_by(matter_has_passed_the_gate, "示范镇人民政府的“另一项”")
    helping = story.listing(
        origin=None,
        duty=DUTY.COOPERATIVE,
        departments=(story.farms,),
        lead_role="组织检查。",
        coop_role="协助入户。",
    )
    story.when(helping).refused_by(matter_has_passed_the_gate)
    later = helping.model_copy(update={"admission": admission, "effective_on": AUGUST})
    story.when(later).then(MatterListed)
    story.when(story.listing(name="法定的", duty=DUTY.COOPERATIVE, departments=(story.farms,)))
    story.refused_by(shared_duty_names_who_leads, "乡镇（街道）配合职责")
    row = story.row("rights_admissions", admission, AUGUST)
    assert (row.state, row.n_townships, row.agreeing) == ("admitted", 2, 2)


def test_the_gate_has_its_own_order() -> None:
    """Every township is heard; decided once, with a document; a department asks."""
    story = Townships()
    unheard = story.applying_for(opinions=story.applying_for().opinions[:1])
    story.when(unheard).refused_by(townships_were_heard, "和平镇人民政府")
    story.when(story.applying_for(department=story.town)).refused_by(body_is_not_a_township)
    wrong = story.applying_for(townships=(story.town, story.woods))
    story.when(wrong).refused_by(body_is_a_township, "第2个乡镇（街道）“区林业局”：")
    story.when(story.deciding_on("9" * 16)).refused_by(admission_awaits_decision, "没有这份")
    admission = story.when(story.applying_for()).then_one(AdmissionApplied).admission
    story.when(story.deciding_on(admission, basis=())).refused_by(admission_rests_on_a_document)
    story.when(story.deciding_on(admission, admitted=False)).then(AdmissionDecided)
    assert story.row("rights_admissions", admission, DAY).state == "refused"
    at = [story.position(AdmissionDecided)]
    story.when(story.deciding_on(admission)).refused_by(admission_awaits_decision, "审定", at=at)
    story.when(story.voiding(story.position(AdmissionApplied))).refused_by(
        later_entries_keep_their_footing, "不在审定中", at=at
    )
    refused = story.empowering(admission=admission)
    story.when(refused).refused_by(matter_has_passed_the_gate, "没有审定通过")


def test_what_was_said_at_the_gate_is_kept() -> None:
    """What the department promised, where it was decided and with which words."""
    story = Townships()
    applied = story.when(story.applying_for(support="增核编制1名。")).then_one(AdmissionApplied)
    assert (applied.support, applied.reason) == ("增核编制1名。", "方便群众。")
    said = {"meeting": "区委编委第2次会议", "opinion": "同意，一年后评估。"}
    decided = story.when(story.deciding_on(applied.admission, **said)).then_one(AdmissionDecided)
    assert (decided.meeting, decided.opinion) == tuple(said.values())


def test_so_many_unheard_townships_are_named() -> None:
    """Ten; of more than that their number."""
    names = tuple(f"第{n}镇" for n in range(11))
    ten, eleven = (townships_were_heard(names[:n]) for n in (10, 11))
    assert ten == Hindrance(f"缺少{'、'.join(names[:10])}的意见。")
    assert eleven == Hindrance(f"缺少{'、'.join(names[:10])}等11个的意见。")


def test_an_admission_that_is_in_use_stays() -> None:
    """Its decision cannot be voided under the matters it let through."""
    story = Townships()
    story.listed(story.empowering(admission=story.admitted()))
    at = [entry.position for entry in story.appended]
    void = story.voiding(story.position(AdmissionDecided))
    story.when(void).refused_by(later_entries_keep_their_footing, "尚未审定通过", at=at)


# ── what a listing needs ─────────────────────────────────────────────────────────────────────


def test_a_listing_that_lacks_something_is_refused() -> None:
    """Each thing by a rule of its own, and nothing is recorded."""
    story = Townships()
    county, entrusted = ActingName.COUNTY, {"deed": "委托书", "until": OCTOBER}
    story.when(story.listing(origin=None)).refused_by(matter_is_classified)
    story.when(story.listing(acting=county)).refused_by(acting_name_fits_the_origin, "乡镇")
    wrong = story.listing(origin=ORIGIN.ENTRUSTED, **entrusted)
    story.when(wrong).refused_by(acting_name_fits_the_origin, "应以县级部门名义")
    story.when(story.listing(duty=DUTY.TAKEN_BACK)).refused_by(taking_back_ends_a_matter)
    story.when(story.listing(until=OCTOBER)).refused_by(entrusting_has_a_written_term, "只有")
    of_the_city = story.listing(origin=ORIGIN.EMPOWERED)
    story.when(of_the_city).refused_by(empowering_rests_on_the_province, "所引文件为市级")
    bare = story.listing(origin=ORIGIN.EMPOWERED, basis=())
    story.when(bare).refused_by(empowering_rests_on_the_province, "省级赋权决定")
    story.when(story.listing(townships=(story.woods,))).refused_by(body_is_a_township)
    story.when(story.listing(items=("9" * 16,))).refused_by(item_is_on_the_list)
    of_another = story.listing(items=(story.seeds,), departments=(story.woods,))
    story.when(of_another).refused_by(item_is_of_the_departments_named, "种子生产经营许可")


def test_entrusting_needs_a_deed_and_a_term_and_is_not_passed_on() -> None:
    """行政处罚法第二十条."""
    story = Townships()
    admission = story.admitted()
    for missing in ({"deed": None}, {"until": None}, {"until": DAY}):
        story.when(story.entrusting(admission=admission, **missing))
        story.refused_by(entrusting_has_a_written_term)
    own = story.item("受托的", origin=PowerOrigin.ENTRUSTED)
    nature = story.item("受托组织的", body_nature=BodyNature.ENTRUSTED)
    for item in (own, nature):
        story.when(story.entrusting(admission=admission, items=(item,)))
        story.refused_by(what_was_entrusted_is_not_entrusted_on, "受委托")


def test_people_are_certified_as_the_setting_says() -> None:
    """Two, unless the office has set another number."""
    story = Townships()
    (first, _) = story.listed(story.empowering(admission=story.admitted()))
    story.when(story.handing_over(first, certified=None)).refused_by(enough_people_are_certified)
    story.when(story.handing_over(first, certified=1)).refused_by(
        enough_people_are_certified, "至少应有2人"
    )
    more = ChangeSetting(effective_on=AUGUST, name="township_certified_people", value=4)
    story.given(more)
    story.when(story.handing_over(first)).refused_by(enough_people_are_certified, "4人")
    story.when(story.handing_over(first, certified=4)).then(MatterHandedOver)
    (statutory,) = story.listed(story.listing(name="法定的"))
    story.when(story.handing_over(statutory, certified=None)).then(MatterHandedOver)
    refusal = story.when(story.handing_over(statutory, first)).refused_by(
        matter_is_handed_over_once
    )
    assert refusal.part == "第1项乡镇事项（示范镇人民政府“法定的”）"
    refusal = story.when(story.handing_over("9" * 16)).refused_by(township_carries_it_out)
    assert refusal.part == f"第1项乡镇事项（编号{'9' * 16}）"


def test_what_becomes_of_a_matter_has_an_order() -> None:
    """Not before it is listed, not evaluated before it is handed over, not after it has ended."""
    story = Townships()
    (matter,) = story.listed(story.listing(effective_on=AUGUST))
    story.when(story.evaluating(matter)).refused_by(handed_over_before_it_is_evaluated)
    story.when(story.taking_back(matter, day=DAY)).refused_by(township_carries_it_out, "起列入")
    story.when(story.taking_back("9" * 16)).refused_by(township_carries_it_out, "没有这一乡镇事项")
    story.when(story.cancelling(matter)).then(MatterCancelled)
    story.when(story.taking_back(matter)).refused_by(
        township_carries_it_out, at=[story.position(MatterCancelled)]
    )
    (again,) = story.listed(story.listing(effective_on=SEPTEMBER))
    assert again != matter


# ── what rests on what ───────────────────────────────────────────────────────────────────────


def test_an_item_stays_while_townships_carry_it_out() -> None:
    """It is not cancelled, its beginning is not voided; the entries in the way are named."""
    story = Townships()
    begun = len(story.memory.entries)
    first, second = story.listed(story.empowering(admission=story.admitted()))
    at = [entry.position for entry in story.appended]
    cancelling = story.applied(change(K.CANCEL, story.seeds), effective_on=AUGUST)
    story.when(story.approving_it(cancelling, effective_on=AUGUST))
    story.refused_by(later_entries_keep_their_footing, "还有乡镇（街道）承担", at=at)
    began = next(
        e.position for e in story.memory.entries[:begun] if story.seeds in e.subjects("item")
    )
    story.when(story.voiding(began)).refused_by(later_entries_keep_their_footing, at=at)
    story.given(story.taking_back(first, second))
    cancelled = story.applied(change(K.CANCEL, story.seeds), effective_on=SEPTEMBER)
    story.given(story.approving_it(cancelled, effective_on=SEPTEMBER))
    void = story.voiding(
        *(e.position for e in story.memory.entries if isinstance(e.fact, MatterTakenBack))
    )
    story.when(void).refused_by(later_entries_keep_their_footing)
    gone = story.empowering(admission=story.last(MatterListed).admission, effective_on=DAY)
    story.when(gone).refused_by(item_goes_on, "已取消")


def test_no_township_has_a_matter_twice() -> None:
    """Not by listing it again, nor by taking back what ended it."""
    story = Townships()
    (first,) = story.listed(story.listing())
    story.when(story.listing()).refused_by(township_does_it_once, at=[story.position(MatterListed)])
    story.given(story.cancelling(first, day=AUGUST))
    story.listed(story.listing(effective_on=SEPTEMBER))
    void = story.voiding(story.position(MatterCancelled))
    story.when(void).refused_by(later_entries_keep_their_footing, "有两个")


def test_a_township_is_abolished_without_matters() -> None:
    """Taken back or cancelled first."""
    story = Townships()
    (matter,) = story.listed(story.listing())
    command = AbolishInstitution(
        effective_on=SEPTEMBER, institution=story.town, reason="撤并", basis=story.citing()
    )
    story.when(command).refused_by(
        township_has_no_matters_left, "还有1项", at=[story.position(MatterListed)]
    )
    story.given(story.cancelling(matter), command)
    assert story.standings.of(Matter, matter).stands_on(AUGUST)


# ── items handed down by an adjustment ───────────────────────────────────────────────────────


def test_handing_an_item_down_to_a_township_passes_the_gate() -> None:
    """As much as a matter does; what let it through stays."""
    story = Townships()
    silent = change(K.DELEGATE, story.seeds, receivers=story.both, capacity=None)
    heard = tuple(Opinion(department=one, opinion="同意。") for one in story.both)
    story.when(story.applying(silent, opinions=heard))
    story.refused_by(capacity_of_the_townships_is_described)
    bare = change(K.DELEGATE, story.seeds, receivers=story.both)
    adjustment = story.applied(bare, opinions=heard)
    story.when(story.approving_it(adjustment)).refused_by(matter_has_passed_the_gate, "编号")
    other = story.admitted("另一项")
    wrong = change(K.DELEGATE, story.seeds, receivers=story.both, admission=other)
    adjustment = story.applied(wrong, opinions=heard)
    story.when(story.approving_it(adjustment)).refused_by(
        matter_has_passed_the_gate, "示范镇人民政府的“种子生产经营许可”"
    )
    right = story.admitted("种子生产经营许可")
    good = change(K.DELEGATE, story.seeds, receivers=story.both, admission=right)
    story.when(story.approving_it(story.applied(good, opinions=heard)))
    approved, *_ = story.then(AdjustmentApproved, ItemAdded, ItemAdded, ItemRemoved)
    decided = next(
        e.position
        for e in story.memory.entries
        if isinstance(e.fact, AdmissionDecided) and e.fact.admission == right
    )
    story.when(story.voiding(decided)).refused_by(
        later_entries_keep_their_footing, at=[approved.position]
    )


def test_departments_hand_items_on_among_themselves_without_the_gate() -> None:
    """It is for townships."""
    story = Townships()
    among = change(K.DELEGATE, story.seeds, receivers=(story.woods,), capacity=None)
    story.adjusted(among)
    story.then(AdjustmentApproved, ItemAdded, ItemRemoved)
