"""What the report says about a ranking."""

from helpers.rankings import free, impact, ranking, share
from muscan.report.measured.ranking import MOST, describe


def described(parameters, **changes):
    return describe(ranking(parameters, **changes).to_json())


def test_a_good_ranking():
    section = described([impact("JES", 0.12, impact_postfit_down=-0.1), free("norm")])
    text = " ".join(section.sentences)
    assert "The best fit with mu of both signs is mu_hat = 1.5 ± 0.45 (profile likelihood: -0.4, +0.5)." in text
    assert "JES is the largest: it changes mu_hat by +0.120 when held one post-fit uncertainty above" in text
    assert "by -0.100 when held one post-fit uncertainty below" in text
    assert "Of the uncertainty of mu, 0.45, the statistical part is 0.3" in text
    assert "The largest group is jets with 0.4." in text
    assert "in quadrature give 0.5" in text
    assert "With the group jets held, it would be 0.8 (-50.0 %)." in text
    assert "The methods agree within 10 % of the uncertainty of mu for all parameters" in text
    assert section.warnings == []
    parameters, groups = section.tables
    assert parameters.rows[0] == [
        *("JES", "+0.50", "0.80", "-0.100 / +0.120", "-0.150 / +0.150", "+0.120", "-0.096 / +0.096", "")
    ]
    assert parameters.rows[1][:3] == ["norm", "–", "–"]
    assert parameters.rows[1][4] == "–"
    assert groups.columns[-2:] == ["Expected limit", "Ratio"]
    assert groups.rows[-1] == ["total", "1", "0.45", "0.45", "0.45", "–", "1.6", "1"]


def test_without_limits_there_are_no_columns_for_them():
    section = described([impact("a")], confidence_level=None)
    assert "Ratio" not in section.tables[1].columns
    assert "limit" not in " ".join(section.sentences)


def test_methods_that_differ():
    section = described([impact("a", methods_agree=False), impact("b")])
    assert any("For 1 of 2 parameters the methods differ" in each and ": a." in each for each in section.sentences)
    assert section.tables[0].rows[0][-1] == "not Gaussian"


def test_warnings():
    failed = impact("a", status="fit_failed", impact_postfit_up=None)
    stopped = impact("b", stopped=["impact_prefit_down"])
    total = share("total", "total", 0.4, below=None, status="at_bound", reason="the lower end is beyond a bound of mu")
    section = described([failed, stopped], shares=[total], warnings=["group x: 'y' matches nothing"])
    assert section.warnings == [
        "Impacts are missing because a fit failed: a",
        "total: the lower end is beyond a bound of mu",
        "The shift was stopped at a bound and is smaller than the uncertainty: b",
        "group x: 'y' matches nothing",
    ]
    assert section.tables[0].rows[0][3] == "-0.200 / –"


def test_no_impacts():
    section = described([impact("a")], status="at_bound", reason="mu_hat = 10 is at a bound of mu", mu_hat_error=None)
    assert section.warnings[0] == "at_bound: mu_hat = 10 is at a bound of mu"
    assert len(section.sentences) == 1
    assert described([]).sentences[-1] == "The model has no free nuisance parameters."
    assert described([]).tables == []


def test_blind():
    assert described([impact("a")], blinded=True, mu_hat=1.0).sentences[0] == (
        "The analysis is blind: impacts are those expected for Asimov data of mu = 1, where mu_hat = 1 ± 0.45 "
        "(profile likelihood: -0.4, +0.5)."
    )


def test_the_table_is_short():
    section = described([impact(f"p{i}") for i in range(126)])
    assert len(section.tables[0].rows) == MOST
    assert section.tables[0].title == f"The first {MOST} of 126 parameters: changes of mu_hat"
