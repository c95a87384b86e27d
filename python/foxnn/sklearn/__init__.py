"""scikit-learn's multi-layer perceptrons on foxnn's engine: change the import, keep the program.

>>> from foxnn.sklearn import MLPClassifier
>>> from sklearn.datasets import make_classification
>>> X, y = make_classification(n_samples=100, random_state=1)
>>> clf = MLPClassifier(random_state=1, solver="lbfgs").fit(X[:80], y[:80])
>>> clf.score(X[80:], y[80:]) > 0.7
True
"""

from foxnn.extras import library

for _name in ("scipy", "sklearn"):
    library(_name, "sklearn", "foxnn.sklearn")
if not hasattr(library("sklearn.utils.validation", "sklearn", "foxnn.sklearn"), "validate_data"):
    raise ImportError(
        "foxnn.sklearn needs scikit-learn 1.6 or newer, which is another here: "
        'pip install --upgrade "foxnn[sklearn]"'
    )

# After the check, whose message says what to install.
from foxnn.sklearn.classifier import MLPClassifier  # noqa: E402
from foxnn.sklearn.regressor import MLPRegressor  # noqa: E402

__all__ = ["MLPClassifier", "MLPRegressor"]
