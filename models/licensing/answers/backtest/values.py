"""What a backtest says, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coercivity.engine.data.values import sometimes
from coercivity.engine.report.notebook import Shown
from coercivity.models.licensing.answers.subject import Subject

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fact:
    """A recorded fact with what the model has for it; shares are fractions."""

    name: str  # in the instance
    title: str  # in words
    measure: str  # what was measured
    bloc: str | None  # of whom; None for all of them
    product: str | None  # of what; None for all of it
    begins: str  # first month
    ends: str  # last month
    model: float | None  # in the unit; what the model says; None where it says nothing
    recorded: float  # in the unit; what was recorded
    low: float  # in the unit; from which the model hits
    high: float  # in the unit; up to which it does
    tolerance: float | None  # in the unit; error that is allowed
    unit: str  # of model, record and error; 1 for a share
    window: str  # judge: nothing was fitted to it; fit: something was; fed: the model was given it
    fed: bool  # whether the model was given it
    inside: bool | None  # whether the model hits; None where no error is stated
    confounded: str  # what else moved the record; empty for nothing
    note: str  # what a reader should know


@dataclass(frozen=True)
class OfStrategy:
    """Something that happened under a strategy."""

    strategy: str  # its name


@dataclass(frozen=True)
class Moment(Fact, OfStrategy):
    """A fact under the strategy that was played, with the model's error beside that of a naive forecast."""

    error: float | None  # in the unit; the model less the record
    scaled: float | None  # 1; the error in units of its tolerance, without its sign
    naive: float | None  # in the unit; what open trade would have given
    naive_scaled: float | None  # 1; its error in units of the tolerance
    persistent: float | None  # in the unit; what was last known goes on
    persistent_scaled: float | None  # 1; its error in units of the tolerance


@dataclass(frozen=True)
class Hits:
    """How often the model is inside the tolerance."""

    moments: int  # in all
    judged: int  # that state an error
    hits: int  # of those


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Hits by what the model was given."""

    fit: Hits  # parameters were chosen to match these
    judge: Hits  # no parameter was fitted to these
    fed: Hits  # the model was given these
    judge_after: Hits | None = sometimes()  # the judged ones that begin after the state of knowledge, if one is stated


@dataclass(frozen=True)
class Skill:
    """Mean errors of the model and of a naive forecast over the moments on which both say something."""

    benchmark: str  # what is taken for granted: a strategy, or persistence, that what was last known goes on
    moments: int  # that count
    model: float | None  # 1; mean error of the model, in tolerances
    naive: float | None  # 1; mean error of the naive forecast, in tolerances
    skill: float | None  # 1; 1 less their ratio: 1 is perfect, 0 no better than naive
    nearer: int  # moments on which the model errs less


@dataclass(frozen=True)
class Fitted:
    """A parameter that was fitted, and whether the instance still has it."""

    name: str  # in the calibration
    path: str  # of the number
    also: tuple[str, ...]  # of numbers that move with it
    moments: tuple[str, ...]  # that it was fitted to
    points: tuple[str, ...]  # that were tried, as the file writes them
    found: str  # the point that was found
    loss: float  # 1; sum of (error / tolerance)² over the moments, on record
    now: float  # in the unit; what the instance has
    unit: str  # of the number
    used: bool  # whether the instance has what was found
    loss_now: float  # 1; the loss as the instance stands
    same_loss: bool  # whether the two agree
    note: str  # what a reader should know

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts what is on record."""
        return True


@dataclass(frozen=True)
class Refitted(Fitted):
    """A parameter whose search was repeated."""

    losses: Mapping[str, float]  # 1; loss by point
    refound: str | None  # the point with the least loss; None where the model says nothing at any of them
    reproduced: bool  # whether that is what is on record, and the instance has it

    @property
    def holds(self) -> bool:
        """Whether the search finds what is on record."""
        return self.reproduced


@dataclass(frozen=True)
class CalibrationFacts:
    """What was fitted to what."""

    until: str | None  # month whose knowledge was used; None where none is stated
    note: str  # what a reader should know
    repeated: bool  # whether the searches were repeated
    fitted: tuple[Fitted, ...]  # parameter by parameter


@dataclass(frozen=True)
class RecordedSpan:
    """A fact as it stands in a series; what is counted, by the month."""

    name: str  # of the observation
    begins: str  # first month
    ends: str  # last month
    recorded: float  # in the unit of the series; what was recorded
    low: float  # in the unit of the series; from which the model hits
    high: float  # in the unit of the series; up to which it does
    window: str  # as of the moment


@dataclass(frozen=True)
class RecordedPath:
    """A series of the record beside the model's, through time; shares are fractions."""

    strategy: str  # that was played
    measure: str  # what was measured; changes and gaps of tonnes as tonnes
    bloc: str | None  # of whom; None for all of them
    product: str | None  # of what; None for all of it
    of: str | None  # the rival or the segment, if it is about one
    unit: str  # of all its figures
    months: tuple[str, ...]  # that are told; of a long series every third
    model: tuple[float | None, ...]  # in the unit; what the model says of each
    record: tuple[RecordedSpan, ...]  # what was recorded


@dataclass(frozen=True, repr=False)
class Backtest(Shown):
    """The model held against the record."""

    schema_version: int  # of this layout
    command: str  # the command that was asked
    instance: Subject  # what was asked about
    ok: bool  # false only if a search was repeated and found something else
    moments: tuple[Moment, ...]  # fact by fact, in the order of the file
    windows: Windows  # hits by what the model was given
    skill: Skill  # over the judged moments, against trade that goes on as if nothing had been announced
    persistence: Skill  # over the judged moments, against the last record that was known
    calibration: CalibrationFacts  # what was fitted to what
    misses: tuple[str, ...]  # a sentence for each judged moment that is missed
    paths: tuple[RecordedPath, ...] | None = sometimes()  # series by series through time, where pictures are wanted

    def to_frame(self) -> pd.DataFrame:
        """One row a moment."""
        import pandas as pd

        return pd.DataFrame([vars(moment) for moment in self.moments])


@dataclass(frozen=True, repr=False, kw_only=True)
class SavedBacktest(Backtest):
    """A backtest that is saved with its pictures."""

    manifest: Mapping[str, Any]  # the instance, and how and when it was made


@dataclass(frozen=True)
class Case:
    """A shipped instance with a record, in a line."""

    name: str  # of the instance, as the command line takes it
    title: str  # in a few words
    facts: int  # on record: judged, fitted and fed
    fed: int  # of those, what the model was given
    fitted: int  # of those, what some parameter was fitted to
    judged: int  # of those, the rest, where an error is stated
    hits: int  # judged moments inside their tolerance
    error: float | None  # 1; mean error of the model over the judged moments, in tolerances
    open_error: float | None  # 1; that of open trade
    skill: float | None  # 1; over open trade: 1 is perfect, 0 no better
    persistence_error: float | None  # 1; that of persistence
    persistence_skill: float | None  # 1; over persistence
    parameters: int  # that were fitted


@dataclass(frozen=True)
class Unread:
    """A case that could not be told."""

    name: str  # of the instance
    reason: str  # why not


@dataclass(frozen=True, repr=False)
class Cases(Shown):
    """The model held against the record of every shipped case."""

    schema_version: int  # of this layout
    command: str  # the command that was asked
    ok: bool  # whether every case could be told
    cases: tuple[Case, ...]  # in alphabetical order
    failed: tuple[Unread, ...]  # those that could not be told
    judged: int  # moments over all cases
    hits: int  # of those
    error: float | None  # 1; mean of the cases' errors, each case counting once
    skill: float | None  # 1; mean of the cases' skills over open trade
    persistence_skill: float | None  # 1; mean of the cases' skills over persistence

    def to_frame(self) -> pd.DataFrame:
        """One row a case."""
        import pandas as pd

        return pd.DataFrame([vars(case) for case in self.cases])


@dataclass(frozen=True)
class Standing:
    """How a case stands beside its record at some values of the shared numbers."""

    hits: int  # judged facts inside their tolerance
    error: float | None  # 1; mean error over the judged facts, in tolerances; None where the model has no solution
    skill: float | None  # 1; over open trade at the same numbers


@dataclass(frozen=True)
class Candidate:
    """A shared number that is chosen among points."""

    name: str  # in the file of shared behaviour
    paths: tuple[str, ...]  # of the number in instances; * for any one part
    points: tuple[str, ...]  # that were tried
    chosen: str  # the point at which all cases together err least
    evidence: str  # what is known of it, and why it is among the few


@dataclass(frozen=True)
class LeftOutCase:
    """A case at shared numbers that were chosen with it and without it."""

    name: str  # of the instance
    judged: int  # facts that state an error
    has: tuple[str, ...]  # the numbers that change it; the others leave it as it is
    stated: Standing  # at the numbers as its file has them
    in_sample: Standing  # at those chosen on all cases, this one among them
    out_of_sample: Standing  # at those chosen on the other cases
    best: Standing  # at those chosen on this case alone, which no forecast could know
    chosen: Mapping[str, str]  # the points chosen on the other cases, by number


@dataclass(frozen=True, repr=False)
class LeftOut(Shown):
    """Every case judged at shared numbers that were chosen on the others."""

    schema_version: int  # of this layout
    command: str  # the command that was asked
    ok: bool  # whether every case could be told
    numbers: tuple[Candidate, ...]  # that were chosen
    combinations: int  # of points, all of which were tried
    evaluations: int  # of a case at a combination; those that leave it as it is are made once
    cases: tuple[LeftOutCase, ...]  # in alphabetical order
    failed: tuple[Unread, ...]  # those that could not be told

    def to_frame(self) -> pd.DataFrame:
        """One row a case."""
        import pandas as pd

        return pd.DataFrame([vars(case) for case in self.cases])
