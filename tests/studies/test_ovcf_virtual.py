"""The virtual chain: phantoms go through whatever reads them, and the readers see what it said."""

from types import SimpleNamespace

import pytest

from osteon.core.config import override
from osteon.studies.ovcf_config import Config
from osteon.studies.ovcf_reading import made
from osteon.studies.ovcf_virtual import virtual_reads

TINY = override(Config(), {"power_draws": 0, "virtual": {"cases": 8, "spacing_mm": 6.0}})


def reader(*, right):
    """An AI that knows the phantom's truth and tells it, or its opposite."""

    def read(phantom):
        truth = [v for v in phantom.anatomy.vertebrae if v.fracture is not None]
        found = [SimpleNamespace(height_loss=SimpleNamespace(largest=max(v.losses)), evaluable=True,
                                 denis=SimpleNamespace(type=v.fracture.denis)) for v in truth]  # fmt: skip
        if not right:
            found = [] if found else [SimpleNamespace(height_loss=None, evaluable=True, denis=None)]
        return SimpleNamespace(fractured=tuple(found), vertebrae=tuple(found))

    return read


@pytest.fixture
def no_scan(monkeypatch):
    """Phantoms without an image: only what was planted."""

    def planted(seed, *, spacing_mm, fractures):
        broken = [
            SimpleNamespace(losses=(f.loss, 0, 0), fracture=SimpleNamespace(denis=f.denis)) for f in fractures
        ]
        return SimpleNamespace(anatomy=SimpleNamespace(vertebrae=[*broken, SimpleNamespace(fracture=None)]))

    monkeypatch.setattr("osteon.studies.ovcf_virtual.phantom", planted)


def test_the_ai_reads_the_planted_fractures(no_scan):
    reads, cases = virtual_reads(TINY, 2, read_case=reader(right=True))
    assert [case.ai_call for case in cases] == [case.fractured for case in cases]
    assert all(case.ai_denis == case.denis for case in cases)
    assert sum(case.fractured for case in cases) == 5
    assert set(reads.arms) == {"ct", "ct_ai"}


def test_readers_see_what_the_ai_says_not_the_truth(no_scan):
    _, wrong = virtual_reads(TINY, 2, read_case=reader(right=False))
    assert [case.ai_call for case in wrong] == [not case.fractured for case in wrong]


@pytest.mark.slow
def test_a_real_phantom_reaches_the_reader():
    seen = []

    def read(phantom):
        seen.append(
            (
                phantom.volume.array.shape,
                [v.level for v in phantom.anatomy.vertebrae if v.fracture is not None],
            )
        )
        return reader(right=True)(phantom)

    tiny = override(TINY, {"virtual": {"spacing_mm": 8.0}})
    _, cases = virtual_reads(tiny, 3, read_case=read)
    assert [levels for _, levels in seen] == [[c.level] if c.fractured else [] for c in cases]


def test_a_virtual_study_says_that_it_is_simulated():
    config = override(TINY, {"virtual": {"ai": "planted", "cases": 20}})
    run = made("virtual", config=config, seed=4, lang="en")
    assert run.page.simulated
    assert run.content["simulated"] is True
    assert all(line.startswith("[SIMULATED]") for line in run.lines)
    again = made("virtual", config=config, seed=4, lang="zh")
    assert again.content["accuracy"] == run.content["accuracy"]
    assert made("virtual", config=config, seed=5, lang="en").content["accuracy"] != run.content["accuracy"]
