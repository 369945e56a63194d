"""The statistics of muscan: plain functions on arrays and small records, without file names or configuration.

model              a HistFactory model: yields, constraints, parameters
likelihood         -2 log L as a deviance
minimize           profile-likelihood fits
test_statistics    qtilde, q, q0
calculators        p-values and CLs from a test statistic
goodness_of_fit    the saturated model
yields             expected events and their uncertainties before and after a fit
intervals          from CLs(mu) to upper limits
"""
