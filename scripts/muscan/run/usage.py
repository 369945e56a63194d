"""How the rules are used: as the main workflow, or as a module of another one."""

import os

from snakemake.io import flag
from snakemake.path_modifier import PATH_MODIFIER_FLAG

RESULTS = "results/"  # the folder of the results as the rules name it


class Usage:
    """The main workflow, or a module of another workflow.

    Attributes:
        module: name of the module; None for the main workflow.
        results: folder of the results: `results`, with the `prefix` of a module in front of it.
        configfiles: paths of the configuration files of the main workflow; a module gets its `config` from another one.
    """

    def __init__(self, workflow):
        """Look at a workflow of Snakemake while it reads the rules."""
        modifier = workflow.modifier
        self.module = None if modifier.is_main_snakefile() else modifier.namespace
        self.results = modifier.path_modifier.replace_prefix(RESULTS).rstrip("/")
        self.configfiles = list(workflow.configfiles) if self.module is None else []
        self._modifier = modifier.path_modifier
        self._rules = workflow.rules

    def named(self, function):
        """Return an input function with the values of `function`: paths from the configuration, which get no prefix.

        Snakemake puts the prefix of a module in front of all other paths of its rules. If an input is missing, it keeps
        what was made of another one; here this is an error.

        Raises:
            SystemExit: if, in a module, one of the files does not exist and no rule of the whole workflow makes it.
        """
        if self.module is None:
            return function
        return lambda wildcards: self._without_prefix(function(wildcards))

    def _without_prefix(self, path):
        if isinstance(path, list):
            return [self._without_prefix(each) for each in path]
        if not os.path.exists(path) and not any(rule.is_producer(path) for rule in self._rules):
            raise SystemExit(f"The module {self.module} needs {path}, which neither exists nor is made by a rule.")
        return flag(self._modifier.apply_default_storage(path), PATH_MODIFIER_FLAG)
