"""scikit-learn's multi-layer perceptrons on foxnn's engine: change the import, keep the program.

>>> from foxnn.sklearn import MLPClassifier
>>> from sklearn.datasets import load_iris
>>> X, y = load_iris(return_X_y=True)
>>> clf = MLPClassifier(20, solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
>>> clf.predict(X[[0, 60, 120]]).tolist()
[0, 1, 2]
"""

from foxnn.support.extras import library

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
from foxnn.sklearn.skl2onnx_hook import register_when_imported  # noqa: E402

register_when_imported()
del register_when_imported

__all__ = ["MLPClassifier", "MLPRegressor"]
