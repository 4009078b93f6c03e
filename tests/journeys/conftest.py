"""Journeys: the real command line in a process of its own, one shared run for each kind of data, and tables of patients."""

import fcntl
import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

OSTEON = [sys.executable, "-m", "osteon"]
# The smallest protocol there is: what is tested is the way, not the science.
TINY = 'learners = ["logistic"]\nimputations = 1\nimputation_iterations = 1\nfolds = 2\ntrials = 1\n' \
       'decision_resamples = 100\nexplained_rows = 100\nprocesses = 1\n'  # fmt: skip


@dataclass(frozen=True)
class Spoken:
    """What a command said."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Ran:
    """A finished study."""

    out: Path
    code: int
    stdout: str
    results: dict

    def html(self):
        return (self.out / "report.html").read_text(encoding="utf-8")


def told(argv, *, cwd=None, env=None, largest_file=None):
    """Run osteon with ``argv``; no file may grow beyond ``largest_file`` bytes, as on a full disk."""
    environment = (
        {k: v for k, v in os.environ.items() if k != "OSTEON_DATA"} | {"OMP_NUM_THREADS": "1"} | (env or {})
    )
    limit = largest_file and partial(resource.setrlimit, resource.RLIMIT_FSIZE, (largest_file, largest_file))
    done = subprocess.run([*OSTEON, *map(str, argv)], capture_output=True, text=True, encoding="utf-8", cwd=cwd,
                          env=environment, preexec_fn=limit)  # fmt: skip
    return Spoken(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def osteon():
    """The command line: ``osteon("study", "list")``."""
    return lambda *argv, **options: told(argv, **options)


@pytest.fixture(scope="session")
def studied(tmp_path_factory):
    """One run for each kind of data, language and configuration, shared by all tests and all test processes."""
    root = tmp_path_factory.getbasetemp()
    root = (root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root) / "studied"
    root.mkdir(exist_ok=True)

    def run(data, *, lang="en", config="quick", seed=7, again=0, env=None):
        out = root / f"{data}-{lang}-{config}-{seed}-{again}"
        with out.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            said = out.with_suffix(".said")
            if not said.exists():
                done = told(["study", "run", "fracture-risk", "--data", data, "--config", config, "--seed", seed,
                             "--out", out, "--lang", lang], env=env)  # fmt: skip
                said.write_text(json.dumps([done.code, done.stdout, done.stderr]))
        code, stdout, stderr = json.loads(said.read_text())
        assert code in (0, 3), stderr
        assert stderr == ""
        return Ran(out, code, stdout, json.loads((out / "results.json").read_text(encoding="utf-8")))

    return run


def people(n=300, *, seed=3):
    """A hospital's table: columns in our names, as a person would know them (sex in words, flags yes/no)."""
    rng = np.random.default_rng(seed)
    age = rng.normal(68, 8, n).clip(50, 90).round()
    woman = rng.random(n) < 0.7
    weight = rng.normal(64, 11, n).clip(38, 110).round(1)
    fallen = rng.random(n) < 0.25
    neck = (-1.3 - 0.05 * (age - 68) + 0.045 * (weight - 64) - 0.5 * woman + rng.normal(0, 0.8, n)).round(1)
    lumbar = (0.6 * neck - 0.3 + rng.normal(0, 0.9, n)).round(1)
    chance = 1 / (1 + np.exp(-(-1.2 + 0.05 * (age - 68) + 0.8 * fallen - 0.35 * (neck + 1.3))))
    return pd.DataFrame({
        "participant_id": [f"Z{i:04d}" for i in range(n)],
        "age_years": age,
        "sex": np.where(woman, "female", "male"),
        "height_cm": (rng.normal(160, 6, n) + 9 * ~woman).round(1),
        "weight_kg": weight,
        "smoking_current": np.where(rng.random(n) < 0.15, "yes", "no"),
        "fall_12m": np.where(fallen, "yes", "no"),
        "calcium_mmol_l": rng.normal(2.35, 0.1, n).round(2),
        "vitamin_d_25oh_nmol_l": rng.gamma(9, 8, n).round(1),
        "t_femoral_neck": neck,
        "t_lumbar": lumbar,
        "fracture_ever": np.where(rng.random(n) < chance, "yes", "no"),
    })  # fmt: skip


ENGLISH = {"participant_id": "ID", "age_years": "Age", "sex": "Sex", "height_cm": "Height (cm)", "weight_kg": "Weight (kg)",
           "smoking_current": "Smoker", "fall_12m": "Fall in the last year", "calcium_mmol_l": "Calcium (mmol/L)",
           "vitamin_d_25oh_nmol_l": "25OHD (nmol/L)", "t_femoral_neck": "Femoral neck T-score",
           "t_lumbar": "Lumbar T-score", "fracture_ever": "Fracture ever"}  # fmt: skip
CHINESE = {"participant_id": "编号", "age_years": "年龄", "sex": "性别", "height_cm": "身高（cm）", "weight_kg": "体重（kg）",
           "smoking_current": "吸烟", "fall_12m": "近一年跌倒", "calcium_mmol_l": "血钙（mmol/L）",
           "vitamin_d_25oh_nmol_l": "25羟维生素D（nmol/L）", "t_femoral_neck": "股骨颈T值", "t_lumbar": "腰椎T值",
           "fracture_ever": "曾经骨折"}  # fmt: skip
WORDS = {"yes": "是", "no": "否", "female": "女", "male": "男"}


@pytest.fixture
def patients(tmp_path):
    """Write a table of 300 invented patients; ``damage`` changes it (English headers) before it is written."""

    def write(damage=None, *, name="patients.csv", n=300, encoding="utf-8", sep=",", chinese=False):
        table = people(n)
        if chinese:
            given = np.array(["王秀英", "李建国", "欧阳芳", "陈䶮"])[np.arange(n) % 4]
            table = table.replace(WORDS).rename(columns=CHINESE)
            table.insert(1, "姓名", given)
        else:
            table = table.rename(columns=ENGLISH)
        if damage is not None:
            table = damage(table)
        path = tmp_path / name
        path.write_bytes(table.to_csv(index=False, sep=sep).encode(encoding))
        return path

    return write


@pytest.fixture
def tiny(tmp_path):
    """The path of the smallest configuration."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path
