# What each rule reads, and the options of its script, as functions of the wildcards.
#
# Needs: what common.smk makes. Makes: the functions below; no files.


def published_inputs(wildcards):
    """The published workspace of a data set and its patch set, by the name of the option that takes them."""
    files = datasets.input_files(config["datasets"][wildcards.dataset])
    return {key.removeprefix("workspace.").replace("file", "workspace"): path for key, path in files.items()}


def histogram_files(wildcards):
    """Files that hold the histograms of a data set."""
    blind = wildcards.histograms == "blinded"
    return list(datasets.input_files(config["datasets"][wildcards.dataset], blind).values())


def histogram_options(kind):
    """Options of simulate.py and read_histograms.py, as a function of the wildcards."""

    def options(wildcards):
        blind = wildcards.histograms == "blinded"
        if kind == "histograms":
            spec = datasets.histogram_spec(config, wildcards.dataset, blind)
        else:
            known = config["datasets"][wildcards.dataset]
            spec = (datasets.unobserved(known) if blind else known)[kind]
        return as_options({"spec": json.dumps(spec)}) + ["--blind"] * blind

    return options


def published_options(wildcards):
    """Options of check_published.py."""
    block = config["datasets"][wildcards.dataset]["workspace"]
    return as_options({**published_inputs(wildcards), "max_megabytes": block.get("max_megabytes")})


def reading(block):
    """What a published data set says of the reading of its files."""
    return {"measurement": block.get("measurement"), "max_megabytes": block.get("max_megabytes", MAX_MEGABYTES)}


def checked(wildcards):
    return checked_of(wildcards.analysis)


def checked_of(analysis):
    return f"results/datasets/{config['analyses'][analysis]['dataset']}/checked.json"


def patch_inputs(wildcards):
    """Files that make the workspace of a signal, by the name of the option that takes them."""
    return {key: path for key, path in workspace_files(wildcards).items() if os.path.exists(path)}


def workspace_files(wildcards):
    """The same, and a patch that is missing, which the job reports."""
    block = source_of(config, wildcards.analysis)[1]
    return workspace_files_of(block, SIGNALS[wildcards.analysis][wildcards.signal])


def patch_options(wildcards):
    """Options of patch_workspace.py: those files, the name of the signal, the measurement."""
    block = source_of(config, wildcards.analysis)[1]
    signal = SIGNALS[wildcards.analysis][wildcards.signal]
    return as_options({**workspace_files(wildcards), "signal": signal, **reading(block)}) + blind_option(wildcards)


def mu_options(mu):
    """Options that say which values of mu are tested; without them the limits decide."""
    return as_options({"mu": mu or None})


def poi_bound(analysis):
    """How far mu must be able to go in fits; None where the limits decide."""
    return needed_poi_bound(float(MU[analysis][-1])) if MU[analysis] else None


def bound_options(wildcards):
    """Options of fit.py: the bound of mu, and the confidence level of the limits that decide it where it is not given."""
    level = SETTINGS[wildcards.analysis]["confidence_level"]
    return as_options({"poi_bound": poi_bound(wildcards.analysis), "confidence_level": level}) + blind_option(wildcards)


def pack_files(pack):
    """Files that make the workspaces of a pack, by the name of the option that takes them."""
    analysis, signals = PACKS[pack]
    if analysis not in PUBLISHED:
        return {"histograms": histograms_of(analysis)} | findings_of(analysis)
    block = source_of(config, analysis)[1]
    files = [workspace_files_of(block, SIGNALS[analysis][signal]) for signal in signals]
    patches = {"patches": [each["patch"] for each in files]} if "patches" in block else {}
    shared = {key: path for key, path in files[0].items() if key != "patch"}
    return {"checked": checked_of(analysis)} | shared | patches


def pack_inputs(pack):
    """Those of them that are there, or will be."""
    files = pack_files(pack)
    return files | {"patches": [path for path in files.get("patches", []) if os.path.exists(path)]}


def pack_outputs(pack):
    """What the steps of a pack write."""
    analysis, signals = PACKS[pack]
    settings = SETTINGS[analysis]
    names = ["workspace.json", "model.npz", "fit.json"]
    if "asymptotics" in settings["calculators"]:
        names += [f"asymptotics/{name}" for name in [*result_files.hypotest_files(settings), "limits.json"]]
    return [f"results/{analysis}/{signal}/{name}" for signal in signals for name in names]


def pack_options(pack):
    """Options of scan_signals.py."""
    analysis, signals = PACKS[pack]
    settings, block = SETTINGS[analysis], source_of(config, analysis)[1]
    values = pack_files(pack) | settings["interpolation"]
    values |= reading(block) if analysis in PUBLISHED else {"model": model_of(analysis)}
    values |= {key: settings[key] for key in ("engine", "test_statistic", "confidence_level")}
    values |= {"mu": MU[analysis] or None, "poi_bound": poi_bound(analysis)} | check_settings(settings)
    values |= {"calculator": "asymptotics", "folder": f"results/{analysis}", "signals": signals}
    flags = ["--blind"] * settings["blind"] + ["--no-tests"] * ("asymptotics" not in settings["calculators"])
    return as_options(values) + flags + toybased_option(settings)


def toybased_option(settings):
    return ["--toybased"] * (TOYBASED in settings["calculators"])


def check_options(wildcards):
    """Options of invert.py: how asymptotic limits are checked."""
    settings = SETTINGS[wildcards.analysis]
    return as_options(check_settings(settings)) + toybased_option(settings)


def reference_inputs(wildcards):
    """Files that fits need on top of the model: pyhf's fits begin with the workspace."""
    if SETTINGS[wildcards.analysis]["engine"] == "pyhf":
        return {"workspace": f"results/{wildcards.analysis}/{wildcards.signal}/workspace.json"}
    return {}


def workspace_options(wildcards):
    return as_options(reference_inputs(wildcards))


def fit_inputs(wildcards):
    """Files that fit.py needs on top of the model."""
    return reference_inputs(wildcards) | findings_of(wildcards.analysis)


def engine_options(wildcards):
    return as_options({"engine": SETTINGS[wildcards.analysis]["engine"], **fit_inputs(wildcards)})


def toys_of(wildcards):
    return f"results/{wildcards.analysis}/{wildcards.signal}/toybased"


def toy_jobs(wildcards, number):
    """What the jobs that throw the toys of a round leave."""
    names = result_files.toy_jobs(SETTINGS[wildcards.analysis]["toys"], number)
    return [f"{toys_of(wildcards)}/{name}" for name in names]


def round_before(wildcards):
    """The plan and the toys to which a round adds."""
    before = int(wildcards.round) - 1
    return {"plan": f"{toys_of(wildcards)}/plan_{before}.json", "jobs": toy_jobs(wildcards, before)}


def last_round(wildcards):
    """The last plan of toys, and what its jobs leave."""
    last = toy_rounds(SETTINGS[wildcards.analysis]["toys"]) - 1
    return {"plan": f"{toys_of(wildcards)}/plan_{last}.json", "jobs": toy_jobs(wildcards, last)}


def toy_options(wildcards):
    """Options of plan_toys.py: how many toys, and how they are made."""
    toys = SETTINGS[wildcards.analysis]["toys"]
    keys = ("seed", "block", "per_hypothesis", "target", "max", "max_failed_fraction")
    return as_options({key: toys.get(key) for key in keys})


# What each kind of plot reads.
PLOT_READS = {
    "brazil": ["limits"],
    "distributions": ["limits", "plan", "model", "fit", "reference"],
    "pulls": ["fit"],
    "toys": ["limits"],
    "yields": ["fit", "histograms", "workspace"],
}


def plot_inputs(wildcards):
    """Files that a plot reads, by the name of the option that takes them."""
    signal = f"results/{wildcards.analysis}/{wildcards.signal}"
    files = {
        "fit": f"{signal}/fit.json",
        "limits": f"{signal}/{wildcards.calculator}/limits.json",
        "workspace": f"{signal}/workspace.json",
        "model": f"{signal}/model.npz",
    }
    reads = PLOT_READS[wildcards.plot]
    if "plan" in reads:
        files["plan"] = last_round(wildcards)["plan"]
    if wildcards.analysis not in PUBLISHED:
        files["histograms"] = histograms(wildcards)
    found = {kind: files[kind] for kind in reads if kind in files}
    return found | (reference_inputs(wildcards) if "reference" in reads else {})


def plot_code(wildcards):
    return code("plot.py", f"muscan/plotting/{wildcards.plot}.py")


def plot_options(wildcards):
    """Options of the script that draws a plot: its inputs, and what else it must know."""
    words = as_options(plot_inputs(wildcards))
    if wildcards.plot == "distributions":
        show = SETTINGS[wildcards.analysis]["toys"]["show"]
        words += as_options({"toys": f"{toys_of(wildcards)}/toys", "show": show or None})
    return words


def grid_limits(wildcards):
    """limits.json of all signals of the analyses of a grid."""
    settings = GRIDS[wildcards.grid]
    scans = ((analysis, signal) for analysis in settings["analyses"] for signal in SIGNALS[analysis])
    return [f"results/{analysis}/{signal}/{settings['calculator']}/limits.json" for analysis, signal in scans]


def cross_sections(wildcards):
    return (GRIDS[wildcards.grid]["cross_sections"] or {}).get("csv", [])


def contour_options(wildcards):
    """Options of plot_contour.py: the axes, and what is drawn."""
    settings = GRIDS[wildcards.grid]
    axes = {"x": label_column(settings["x"]), "y": label_column(settings["y"]), "diagonal": settings["diagonal"]}
    axes |= {f"{axis}_label": settings["axis_labels"].get(settings[axis]) for axis in "xy"}
    return as_options(axes) + ["--numbers"] * settings["numbers"]


def mass_options(wildcards):
    """Options of plot_mass_limits.py."""
    settings = GRIDS[wildcards.grid]
    return as_options({"x": label_column(settings["x"]), "x_label": settings["axis_labels"].get(settings["x"])})


def hepdata_options(wildcards):
    """Options of hepdata.py: the axes of the contours, and the units that stand in the labels of axes."""
    settings = GRIDS[wildcards.grid]
    units = units_of(settings["axis_labels"])
    return as_options({"x": label_column(settings["x"]), "y": label_column(settings["y"]), "units": units or None})


def histograms(wildcards):
    return histograms_of(wildcards.analysis)


def histograms_of(analysis):
    name = result_files.histograms(SETTINGS[analysis]["blind"])
    return f"results/datasets/{config['analyses'][analysis]['dataset']}/{name}"


def findings_of(analysis):
    """What was left out or changed when histograms from elsewhere were read, by the name of the option that takes it."""
    dataset = config["analyses"][analysis]["dataset"]
    name = result_files.findings(SETTINGS[analysis]["blind"])
    return {"findings": f"results/datasets/{dataset}/{name}"} if dataset in BINNED else {}


def blind_option(wildcards):
    return ["--blind"] * SETTINGS[wildcards.analysis]["blind"]


def model_of(analysis):
    """The model of an analysis of histograms, as JSON."""
    return json.dumps(config["models"][config["analyses"][analysis]["model"]])


def title(wildcards):
    return scan_name(wildcards.analysis, SIGNALS[wildcards.analysis][wildcards.signal])
