"""Terms of the field that muscan does not know or calls otherwise, and what to write in their place."""

DISCOVERY = "q0 is for a discovery, which is no upper limit: it tests whether there is any signal; use qtilde or q"
TWO_SIDED = "t is two-sided, for intervals around mu_hat; an upper limit needs qtilde or q"
NO_FREE_MU = "a ratio to the likelihood of the background alone is not offered; use qtilde, in which mu is fitted"
BAYESIAN = "limits here are frequentist; use asymptotics or toybased"
MINUIT = "write pyhf, which fits with Minuit; newton, too, hands to Minuit what it cannot fit"

# {key: {what is written, in small letters without _ - and blanks: what to know}}
TERMS = {
    "test_statistic": {
        **dict.fromkeys(("q0", "discovery", "p0", "significance"), DISCOVERY),
        **dict.fromkeys(("t", "tmu", "t0", "ttilde", "tmutilde", "ttildemu", "twosided"), TWO_SIDED),
        **dict.fromkeys(("tevatron", "lep"), NO_FREE_MU),
        "qmu": "write q for q_mu, which lets mu_hat be negative, or qtilde for that with mu_hat at 0 or above",
        **dict.fromkeys(("qmutilde", "qtildemu", "lhc", "atlas", "cms"), "write qtilde, which the LHC experiments use"),
        **dict.fromkeys(("plr", "profile", "profilelikelihood", "profilelikelihoodratio"), "write qtilde or q"),
    },
    "calculators": {
        "hybrid": "toys whose nuisance parameters follow a prior are not offered; toybased throws frequentist ones",
        **dict.fromkeys(("frequentist", "toy", "toymc", "pseudoexperiments"), "write toybased"),
        **dict.fromkeys(("asimov", "asymptotic", "asymptoticcls"), "write asymptotics"),
        **dict.fromkeys(("bayesian", "mcmc", "bayes"), BAYESIAN),
    },
    "engine": dict.fromkeys(("minuit", "iminuit", "minuit2"), MINUIT),
}
TERMS["calculator"] = TERMS["calculators"]


def explained(key: str, value) -> str:
    """Return what to write in the place of an unknown value of a key; empty if it is no term of the field.

    Args:
        value: what is written, or a list of it.
    """
    values = value if isinstance(value, list) else [value]
    written = (str(each).lower().translate(dict.fromkeys(map(ord, "_- "))) for each in values)
    return "; ".join(dict.fromkeys(TERMS[key][each] for each in written if each in TERMS.get(key, {})))
