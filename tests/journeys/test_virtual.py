"""``--data virtual``: the contract of the output on invented people, marked as such wherever anyone may look."""

import csv
import io
import re
import zipfile

import pypdfium2
import pytest

MARK = {"en": "SIMULATED", "zh": "模拟数据"}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(studied):
    return studied("virtual")


@pytest.fixture(scope="module")
def chinese(studied):
    return studied("virtual", lang="zh")


def captions(page):
    return re.findall(r"<caption>(.*?)</caption>", page, re.S) + re.findall(
        r"<figcaption>(.*?)</figcaption>", page, re.S
    )


def test_the_headline_numbers(run):
    results = run.results
    assert run.code == 0
    assert results["simulated"] is True
    assert results["study"] == "fracture-risk"
    assert results["n"] == 2000
    assert results["provenance"]["seed"] == 7
    assert "prevalence" in results
    assert set(results["tasks"]) == {"osteoporosis", "osteoporosis_fn", "fracture_ever"}
    assert results["tasks"]["osteoporosis"]["outcome"] == "osteoporosis_fn_or_ls"
    for task in results["tasks"].values():
        assert {
            "ost",
            "femoral_neck_bmd",
            "clinical_logistic",
            "clinical_lightgbm",
            "clinical_bmd_logistic",
        } <= set(task["models"])
        for name, model in task["models"].items():
            assert len({"auc", "refused", "absent"} & set(model)) == 1, name
            if "auc" in model:
                value = model["auc"]
                assert set(value) == {"value", "low", "high", "n", "events"}
                assert 0 <= value["low"] <= value["value"] <= value["high"] <= 1
                assert value["n"] <= task["n"]
                assert value["events"] <= task["events"]


@pytest.mark.parametrize("task", ["osteoporosis", "osteoporosis_fn"])
def test_bone_density_is_refused_where_it_defines_the_outcome(run, task):
    models = run.results["tasks"][task]["models"]
    for name in ("femoral_neck_bmd", "clinical_bmd_logistic", "clinical_bmd_lightgbm"):
        assert set(models[name]) == {"refused", "because"}
        assert models[name]["refused"] == "leakage"
        assert any(why.startswith("bmd_femoral_neck_g_cm2") for why in models[name]["because"])
    assert "auc" in run.results["tasks"]["fracture_ever"]["models"]["femoral_neck_bmd"]


def test_no_model_beats_the_truth(run):
    """On invented people the best possible AUC is known; a model above it beyond chance would be a leak."""
    for task, found in run.results["tasks"].items():
        for predictors in ("clinical", "clinical_lab", "clinical_bmd"):
            bayes = run.results["bayes_auc"].get(f"{task}|{predictors}")
            model = found["models"].get(f"{predictors}_logistic", {})
            if bayes is None or "auc" not in model:
                continue
            assert model["auc"]["low"] < bayes, (task, predictors)
            assert model["auc"]["value"] > bayes - 0.08, (task, predictors)


def test_every_table_and_figure_is_marked(run, chinese):
    for ran, lang in ((run, "en"), (chinese, "zh")):
        page = ran.html()
        titles = captions(page)
        assert len(titles) > 20
        assert all(MARK[lang] in title for title in titles)
        assert all(MARK[lang] in heading for heading in re.findall(r"<h2.*?</h2>", page, re.S))
        for table in (ran.out / "tables").glob("*.csv"):
            assert MARK[lang] in table.read_text(encoding="utf-8-sig"), table.name
        with pypdfium2.PdfDocument(ran.out / "report.pdf") as document:
            assert len(document) > 10
            for number, sheet in enumerate(document):
                text = sheet.get_textpage()
                assert MARK[lang] in text.get_text_range(), f"page {number + 1}"
                text.close()
                sheet.close()
        with zipfile.ZipFile(ran.out / "report.docx") as archive:
            assert MARK[lang] in archive.read("word/document.xml").decode()
            headers = [name for name in archive.namelist() if re.match(r"word/(header|footer)\d*\.xml", name)]
            assert any(MARK[lang] in archive.read(name).decode() for name in headers)
    assert "[SIMULATED]" in run.stdout


def test_every_figure_is_there_as_svg_and_png_and_every_table_as_csv(run):
    page = run.html()
    figures = set(re.findall(r'id="(figure-[^"]+)"', page))
    tables = set(re.findall(r'id="(table-[^"]+)"', page))
    assert len(figures) > 15
    assert {p.name for p in (run.out / "figures").iterdir()} == {
        f"{f}.{kind}" for f in figures for kind in ("svg", "png")
    }
    assert {f"{name}.csv" for name in tables} <= {p.name for p in (run.out / "tables").iterdir()}
    for path in (run.out / "figures").iterdir():
        start = path.read_bytes()[:400]
        assert start.startswith(b"\x89PNG") if path.suffix == ".png" else b"<svg" in start
    models = (run.out / "tables" / "table-models-osteoporosis.csv").read_text(encoding="utf-8-sig")
    assert len(list(csv.reader(io.StringIO(models)))) > 5


def test_a_model_card_stands_beside_every_model(run):
    for task in run.results["tasks"]:
        card = next((run.out / "models" / task).rglob("card.toml")).read_text(encoding="utf-8")
        assert "simulated" in card.lower()


def test_the_checklist_points_at_places_that_exist(run):
    page = run.html()
    anchors = set(re.findall(r'id="([^"]+)"', page))
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert len(links) > 20
    assert links <= anchors


def test_a_second_run_of_the_same_seed_gives_the_same_numbers_in_the_other_language(run, chinese):
    ours, theirs = dict(run.results), dict(chinese.results)
    assert ours.pop("provenance")["command"] != theirs.pop("provenance")["command"]
    assert ours == theirs


def test_chinese_is_complete(chinese):
    page = chinese.html()
    assert '<html lang="zh-CN"' in page
    text = re.sub(r"<(style|svg).*?</\1>|<[^>]+>", " ", page, flags=re.S)
    english = re.findall(r"\b(?:the|with|and|from|was|were|people|women)\b", text)
    # English stands in the reference list alone
    assert len(english) < 40, english
