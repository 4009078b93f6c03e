"""A model on disk: the same predictions after loading, and no loading of a changed file."""

import numpy as np
import pytest

from osteon.cohort.impute import ImputeOptions
from osteon.core.errors import FileError
from osteon.models.card import ModelCard, read_card, write_card
from osteon.models.learners import LEARNERS
from osteon.models.registry import load_model, save_model
from osteon.models.train import ModelSpec, TrainOptions, train

PREDICTORS = ("age_years", "weight_kg", "smoking_current", "sex", "alp_u_l")


@pytest.fixture
def saved(people, tmp_path):
    table, y, _ = people(200, 1)

    def kept(learner):
        spec = ModelSpec(name=learner, learner=learner, predictors=PREDICTORS)
        options = TrainOptions(trials=1, impute=ImputeOptions(m=2, iterations=2), bootstrap=2)
        model = train(table, y, spec=spec, options=options, seed=1)
        folder = tmp_path / learner
        card = ModelCard(
            name=learner, version="1", task="invented", learner=learner, source="virtual", n=model.n,
            events=model.events, simulated=True, predictors=(),
        )  # fmt: skip
        return model, folder, save_model(model, folder, card=card), table

    return kept


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_loaded_model_predicts_the_same(saved, learner):
    model, folder, card, table = saved(learner)
    loaded = load_model(folder)
    assert np.array_equal(loaded.model.predict(table).risk, model.predict(table).risk)
    assert loaded.card == card and card.artefact_sha256[:16] in card.artefact


def test_a_changed_artefact_is_refused_before_it_is_read(saved):
    _, folder, card, _ = saved("logistic")
    artefact = folder / card.artefact
    artefact.write_bytes(b"cos\nsystem\n(S'touch broken'\ntR.")  # a pickle that would run a command
    with pytest.raises(FileError, match="changed since"):
        load_model(folder)
    assert not (folder / "broken").exists()


def test_an_absent_artefact_or_one_outside_the_folder_is_refused(saved):
    from dataclasses import replace

    _, folder, card, _ = saved("logistic")
    write_card(replace(read_card(folder / "card.toml"), artefact="../" + card.artefact), folder / "card.toml")
    with pytest.raises(FileError, match="names no artefact"):
        load_model(folder)
    with pytest.raises(FileError):
        load_model(folder / "nowhere")
