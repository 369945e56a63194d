"""Terms of the field that are not values of a configuration, and advice on what to write instead."""

DISCOVERY = "q0 is the test statistic of a discovery, which `discovery: true` adds; upper limits need qtilde or q"
TWO_SIDED = "t is two-sided, for intervals, which `intervals: [0.68, 0.95]` adds; an upper limit needs qtilde or q"
NO_FREE_MU = "ratios to the background-only likelihood are not supported; use qtilde, in which mu is fitted"
BAYESIAN = "limits here are frequentist; use asymptotics or toybased"
MINUIT = "write pyhf, which fits with Minuit; newton uses Minuit only for fits that do not converge"

# {key: {value in small letters, without underscores, hyphens and blanks: advice}}
TERMS = {
    "test_statistic": {
        **dict.fromkeys(("q0", "discovery", "p0", "significance"), DISCOVERY),
        **dict.fromkeys(("t", "tmu", "t0", "ttilde", "tmutilde", "ttildemu", "twosided"), TWO_SIDED),
        **dict.fromkeys(("tevatron", "lep"), NO_FREE_MU),
        "qmu": "write q for q_mu, in which mu_hat can be negative, or qtilde, in which mu_hat is at least 0",
        **dict.fromkeys(("qmutilde", "qtildemu", "lhc", "atlas", "cms"), "write qtilde, which the LHC experiments use"),
        **dict.fromkeys(("plr", "profile", "profilelikelihood", "profilelikelihoodratio"), "write qtilde or q"),
    },
    "calculators": {
        "hybrid": "toys whose nuisance parameters follow a prior are not supported; toybased throws frequentist toys",
        **dict.fromkeys(("frequentist", "toy", "toymc", "pseudoexperiments"), "write toybased"),
        **dict.fromkeys(("asimov", "asymptotic", "asymptoticcls"), "write asymptotics"),
        **dict.fromkeys(("bayesian", "mcmc", "bayes"), BAYESIAN),
    },
    "engine": dict.fromkeys(("minuit", "iminuit", "minuit2"), MINUIT),
}
TERMS["calculator"] = TERMS["calculators"]


def explain_term(key: str, value: object) -> str:
    """Return advice on what to write instead of an unknown value of a key; "" if the value is not one of `TERMS`.

    Args:
        key: the key.
        value: the value, or a list of values.
    """
    values = value if isinstance(value, list) else [value]
    written = (str(entry).lower().translate(dict.fromkeys(map(ord, "_- "))) for entry in values)
    return "; ".join(dict.fromkeys(TERMS[key][term] for term in written if term in TERMS.get(key, {})))
