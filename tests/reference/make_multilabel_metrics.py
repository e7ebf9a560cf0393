"""Writes multilabel_metrics.json: figures of several findings an image by scikit-learn, and DeLong's standard errors and paired
tests from all pairs of images. Needs `pip install numpy scipy scikit-learn`; written with scikit-learn 1.9.1 and SciPy 1.17.1."""
import json

import numpy as np
from scipy.stats import norm
from sklearn import metrics as m

LABELS = ["Edema", "Mass", "Hernia", "Nodule"]
RNG = np.random.default_rng(28)


def placements(y, p):
    """Share of the other kind that each image is ranked above (positives) or below (negatives), ties one half."""
    above = (p[y == 1][:, None] > p[y == 0][None, :]) + 0.5 * (p[y == 1][:, None] == p[y == 0][None, :])
    return above.mean(axis=1), above.mean(axis=0)


def delong(y, p, q=None):
    """Standard error of an AUC, or of the difference of two."""
    (a, b) = placements(y, p)
    if q is not None:
        (c, d) = placements(y, q)
        a, b = a - c, b - d
    return float(np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))


def calibration_error(y, p):
    bins = np.clip(np.ceil(p * 15) - 1, 0, 14).astype(int)
    return float(sum(abs((y[bins == b] - p[bins == b]).sum()) for b in range(15)) / len(y))


def ratio(a, b):
    return float(a / b) if b else None


def label(y, p, q, threshold):
    row = {"known": len(y), "positives": int(y.sum())}
    both = 0 < y.sum() < len(y)
    two = y.sum() > 1 and len(y) - y.sum() > 1
    row["roc_auc"] = float(m.roc_auc_score(y, p)) if both else None
    row["roc_auc_delong_se"] = delong(y, p) if two else None
    row["average_precision"] = float(m.average_precision_score(y, p)) if y.sum() else None
    row["brier"] = float(m.brier_score_loss(y, p)) if both else ratio(((p - y) ** 2).sum(), len(y))
    row["log_loss"] = float(m.log_loss(y, p, labels=[0, 1])) if len(y) else None
    row["expected_calibration_error"] = calibration_error(y, p) if len(y) else None
    reaches = p >= threshold
    tp, fp = int((reaches & (y == 1)).sum()), int((reaches & (y == 0)).sum())
    fn, tn = int((~reaches & (y == 1)).sum()), int((~reaches & (y == 0)).sum())
    row.update(true_positives=tp, false_positives=fp, true_negatives=tn, false_negatives=fn)
    row["sensitivity"], row["specificity"] = ratio(tp, tp + fn), ratio(tn, tn + fp)
    row["precision"], row["negative_predictive_value"] = ratio(tp, tp + fp), ratio(tn, tn + fn)
    row["f1"] = ratio(2 * tp, 2 * tp + fp + fn)
    if two:
        error = delong(y, p, q)
        difference = float(m.roc_auc_score(y, p) - m.roc_auc_score(y, q))
        row["against"] = {"difference": difference, "standard_error": error,
                          "p": float(2 * norm.sf(abs(difference / error)))}
    return row


def case(images, unknown, decimals):
    truth = (RNG.random((images, len(LABELS))) < [0.4, 0.2, 0.1, 0.5]).astype(int)
    score = lambda: np.clip(0.35 * truth + 0.65 * RNG.random(truth.shape), 0, 1).round(decimals)
    p, q = score(), score()
    known = RNG.random(truth.shape) >= unknown
    if unknown:
        known[:, 2] = False                        # known nowhere
        known[:, 1] &= truth[:, 1] == 0            # no known positive
    thresholds = [0.5, 0.25, 0.75, 0.5]
    rows = [label(truth[k, j], p[k, j], q[k, j], thresholds[j]) for j, k in enumerate(known.T)]
    mean = lambda key: float(np.mean([row[key] for row in rows if row[key] is not None]))
    y, s = truth[known], p[known]
    reaches = (p >= thresholds)[known]
    hits = int((reaches & (y == 1)).sum())
    over = {"macro_roc_auc": mean("roc_auc"), "macro_average_precision": mean("average_precision"),
            "labels_with_roc_auc": sum(row["roc_auc"] is not None for row in rows),
            "labels_with_average_precision": sum(row["average_precision"] is not None for row in rows),
            "micro_roc_auc": float(m.roc_auc_score(y, s)),
            "micro_average_precision": float(m.average_precision_score(y, s)),
            "micro_f1": 2 * hits / (int(reaches.sum()) + int(y.sum())),
            "micro_log_loss": float(m.log_loss(y, s, labels=[0, 1]))}
    values = [[int(t) if k else None for t, k in zip(*pair)] for pair in zip(truth, known)]
    return {"truth": values, "probabilities": p.tolist(), "others": q.tolist(), "thresholds": thresholds,
            "labels": rows, "over_labels": over}


CASES = [case(60, 0.0, 2), case(60, 0.4, 2), case(30, 0.0, 1), case(40, 0.7, 3)]
json.dump({"labels": LABELS, "cases": CASES}, open("multilabel_metrics.json", "w"), separators=(",", ":"))
