# The fits that do not depend on the tested mu, once per signal.
#
# Needs: model.npz, and the findings about histograms. Makes: fit.json.


rule fit:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        findings=workspaces.findings,
    output:
        "results/{analysis}/{signal}/fit.json",
    log:
        "logs/{analysis}/{signal}/fit.log",
    conda:
        "../envs/fits.yaml"
    params:
        code=code("fit.py"),
        engine=scans.setting("engine"),
        test_statistic=scans.setting("test_statistic"),
        poi_bound=scans.poi_bound,
        confidence_level=scans.range_confidence_level,
        blind=scans.setting("blind"),
    shell:
        "python {params.code:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --findings {input.findings:q}"
        " --engine {params.engine}"
        " --test-statistic {params.test_statistic}"
        " --poi-bound {params.poi_bound}"
        " --confidence-level {params.confidence_level}"
        " --blind {params.blind}"
        " --output {output:q}"
        " --log {log:q}"
