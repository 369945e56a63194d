"""Draft a configuration for histograms of a CSV or ROOT file, with modifiers that follow from their columns."""

from muscan.base.errors import InputError
from muscan.base.files import prefix_errors
from muscan.base.words import join_items
from muscan.commands.commented_yaml import END, inline_yaml, printable_name
from muscan.commands.draft import Draft, about_scan, first_scan, list_names, pluralize
from muscan.config.schema import complete
from muscan.histfactory.compile import compile_workspace
from muscan.inputs import build_workspace, flow_bins, read_histograms, root_histograms
from muscan.inputs.blinding import blind_workspace
from muscan.inputs.column_roles import ColumnRoles, infer_roles
from muscan.inputs.histograms import DEFAULT_CHANNEL, Histograms

DATA = ("observed", "data", "data_obs", "obs")  # names of histograms of the observed data in ROOT files


def from_csv(name: str, file: str) -> Draft:
    """Return a draft for a CSV file; `name` becomes that of its data set, model and analysis."""
    return from_histograms(name, {"csv": file})


def from_root(name: str, file: str) -> Draft:
    """Return a draft for the one-dimensional histograms of a ROOT file; each folder is a channel."""
    return from_histograms(name, {"root": {"file": file, "channels": root_channels(file)}})


def root_channels(file: str) -> dict[str, dict[str, str]]:
    """Return `{channel: {template: histogram}}` of a ROOT file, each folder being a channel.

    Raises:
        InputError: if the file cannot be read, or a folder has no histogram of the observed data.
    """
    with root_histograms.open_root_file(file) as source:
        classes = source.classnames(cycle=False)
    channels: dict[str, dict[str, str]] = {}
    for path in [path for path, kind in classes.items() if kind.startswith("TH1")]:
        folder, _, template = path.rpartition("/")
        channels.setdefault(folder or "channel", {})[template] = path
    if not channels:
        raise InputError(f"{file}: no one-dimensional histograms")
    for channel, names in channels.items():
        data = next((each for each in DATA if each in names), None)
        if data is None:
            raise InputError(
                f"{file}: the folder {channel!r} has no histogram with the name {' or '.join(DATA)}, only "
                f"{join_items(list(names))}"
            )
        names["observed"] = names.pop(data)
        reserved = [each for each in names if each in ("channel", "bin_low", "bin_high")]
        names |= {f"{each}_template": names.pop(each) for each in reserved}
    return channels


def from_histograms(name: str, spec: dict) -> Draft:
    """Return a draft with a model for the `histograms` block of a data set.

    Raises:
        InputError: if the histograms cannot be read, or are not a model.
    """
    histograms, unobserved = _read(spec)
    with prefix_errors(spec["csv"] if "csv" in spec else spec["root"]["file"]):
        known = infer_roles(histograms)
    model = {"samples": {each: _modifiers(each, known, histograms) for each in [known.signal, *known.backgrounds]}}
    config = {
        "datasets": {name: {"histograms": spec}},
        "models": {name: model},
        "scan": first_scan(),
        "analyses": {name: {"dataset": name, "model": name} | ({"blind": True} if unobserved else {})},
    }
    workspace = build_workspace.build(histograms, complete(config)["models"][name])
    compile_workspace(blind_workspace(workspace) if unobserved else workspace)
    here = ("models", name, "samples")
    comments = {
        ("datasets", name): ["Channels:", *_channels(histograms)],
        ("datasets", name, "histograms", "root", END): _about_outside(histograms),
        (*here, known.signal): _about_signal(known),
        (*here, END): [
            f"No sample: {printable_name(each)}, {printable_name(why, 200)}." for each, why in known.others.items()
        ],
        **_about_blind(name, unobserved),
        **about_scan(),
    }
    for sample in known.backgrounds:
        comments[*here, sample, END] = _alternatives(sample, known, histograms)
    comments[*here, known.signal, END] = _normsys(known.signal)
    summary = [
        *_ask_for_signal(known),
        _summarize_channels(histograms),
        f"signal: {printable_name(known.signal)}, because {known.why}",
        f"backgrounds: {list_names(known.backgrounds) or 'none'}",
        *([f"blind: no observed counts to use: {printable_name(unobserved, 200)}"] if unobserved else []),
        *(f"not used: {printable_name(each)}, {printable_name(why, 200)}" for each, why in known.others.items()),
    ]
    return Draft(config, {path: lines for path, lines in comments.items() if lines}, summary)


def _read(spec: dict) -> tuple[Histograms, str]:
    """Read histograms.

    Returns:
        the histograms, without observed counts if these cannot be used; the reason why they cannot be used, or "".

    Raises:
        InputError: if the templates cannot be read.
    """
    without_observed = read_histograms.read_source(spec, observed=False)
    try:
        return read_histograms.read_source(spec), ""
    except InputError as error:
        return without_observed, str(error)


def _about_blind(name: str, unobserved: str) -> dict[tuple, list[str]]:
    if unobserved:
        lines = [
            f"No observed counts to use: {printable_name(unobserved, 200)}.",
            "Remove the next line when there are some.",
        ]
        return {("analyses", name, "blind"): lines}
    return {("analyses", name, END): ["blind: true    # hides the observed counts: expected limits only"]}


def _about_outside(histograms: Histograms) -> list[str]:
    """Return comments on events outside of the bins, if there are any."""
    kinds = {each.kind for each in histograms.findings}
    return [
        f"{side.name}: {side.into}    # counts events {side.where} in the {side.bin_name}; without it they are left out"
        for side in flow_bins.SIDES
        if side.name in kinds
    ]


def _modifiers(sample: str, known: ColumnRoles, histograms: Histograms) -> list[dict]:
    """Return the modifiers of a sample that follow from the columns."""
    found = [{"name": "mu", "type": "normfactor"}] if sample == known.signal else []
    several = len(histograms.columns) > 1
    column = known.statistical.get(sample)
    for channel in _with(histograms, sample, column):
        if (histograms.columns[channel][column] >= 0).all():
            stat = {"name": _statistical(channel, known, several), "type": "staterror"}
            found.append(stat | {"uncertainty": {"column": column}} | ({"channels": [channel]} if several else {}))
    for name, up, down in known.variations.get(sample, []):
        where = _with(histograms, sample, up, down)
        limited = {"channels": where} if where != _with(histograms, sample) else {}
        found += [{"name": name, "type": "histosys", "up": up, "down": down} | limited] if where else []
    return found


def _with(histograms: Histograms, *columns: str | None) -> list[str]:
    """Return the channels that have all these columns."""
    return [channel for channel, known in histograms.columns.items() if all(column in known for column in columns)]


def _statistical(channel: str, known: ColumnRoles, several: bool) -> str:
    """Return a name for the statistical uncertainty of a channel that is not the name of a variation."""
    name = f"mcstat_{channel}" if several else "mcstat"
    taken = {variation.name for each in known.variations.values() for variation in each} | {"mu"}
    while name in taken:
        name += "_"
    return name


def _channels(histograms: Histograms) -> list[str]:
    """Return a comment on each channel, without observed counts, so that nobody sees them by accident."""
    return [f"  {printable_name(channel)}: {_bins(histograms, channel)}" for channel in histograms.columns]


def _bins(histograms: Histograms, channel: str) -> str:
    edges = histograms.edges[channel]
    return f"{pluralize(len(edges) - 1, 'bin')} from {edges[0]:g} to {edges[-1]:g}"


def _ask_for_signal(known: ColumnRoles) -> list[str]:
    """Return a line for the terminal that asks whether the signal is the right template, if its name does not say so.

    With a background as the signal, all limits would be wrong, and nothing else would show it.
    """
    if known.named:
        return []
    return [
        f"CHECK: no column is called signal. Is it {printable_name(known.signal)}? If not, move the line of mu in the "
        "model to the signal."
    ]


def _summarize_channels(histograms: Histograms) -> str:
    if list(histograms.columns) == [DEFAULT_CHANNEL]:
        return f"channel: one, with {_bins(histograms, DEFAULT_CHANNEL)}"
    return f"channels: {list_names(histograms.columns)}"


def _about_signal(known: ColumnRoles) -> list[str]:
    if known.named:
        lines = ["The signal, by its name."]
    else:
        lines = [
            f"CHECK: no column is called signal. This one was taken, because {known.why}.",
            "Is this the signal? If not, move the line of mu to the signal.",
        ]
    lines += ["mu multiplies it; mu = 1 is the predicted signal."]
    if known.statistical:
        lines += ["mcstat: statistical uncertainty of the sum of all templates of a channel, one parameter per bin."]
    if known.variations:
        lines += ["histosys: variation by one standard deviation; samples with the same name vary together."]
    return lines


def _alternatives(sample: str, known: ColumnRoles, histograms: Histograms) -> list[str]:
    """Return comments with modifiers that do not follow from the columns, from which the user can choose."""
    lines = _normsys(sample)
    lines += [f"- {inline_yaml({'name': f'{sample}_free', 'type': 'normfactor'})}    # free: the data determine it"]
    positive = all((histograms.columns[channel][sample] >= 0).all() for channel in _with(histograms, sample))
    if sample not in known.statistical and positive:
        for i, channel in enumerate(_with(histograms, sample)):
            counted = {
                "name": f"{sample}_counted_{i}",
                "type": "shapesys",
                "uncertainty": "sqrt",
                "channels": [channel],
            }
            lines += [f"- {inline_yaml(counted)}    # its bins contain unweighted events"]
    return lines


def _normsys(sample: str) -> list[str]:
    example = {"name": f"{sample}_norm", "type": "normsys", "up": 1.1, "down": 0.9}
    return [f"- {inline_yaml(example)}    # its normalisation is known to 10 %"]
