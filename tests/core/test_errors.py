"""The error tree is what its drawing says, and every error has its own code."""

import osteon.core.errors as errors


def test_drawing_names_and_codes_agree():
    classes = [getattr(errors, name) for name in errors.__all__]
    assert len({cls.code for cls in classes}) == len(classes)
    for cls in classes:
        assert cls.__name__ in errors.__doc__
        assert issubclass(cls, errors.OsteonError)


def test_input_errors_are_value_errors_and_carry_a_hint():
    error = errors.UnitError("calcium 9.4 mmol/L is impossible.", hint="Is it mg/dL?")
    assert isinstance(error, ValueError)
    assert str(error) == "calcium 9.4 mmol/L is impossible. Is it mg/dL?"
