"""What Keras, PyTorch and scikit-learn call an argument, and where foxnn has it.

A row is the name elsewhere and the place here: "call.argument", or a sentence where there is none.
A call that has an argument of that name itself is the place.
"""

from __future__ import annotations

_THREADS = "the number of threads is nn.settings.n_threads"
_PIECES = "foxnn divides the samples itself, and memory does not grow with their number"
_SILENT = "it prints nothing"
_INPUTS = "the inputs follow from the layer before it in the list"
_NO_DEVICE = "foxnn computes on the processor"
_LAYERS_L2 = "penalties are arguments of fit: l1 and l2"
_STATE = "nn.stream() goes on from step to step, and its state is read and set as stream.state"
_MASK = "lengths= of fit and predict says how many steps each sequence has, and no others count"
_AXES = "samples come first, then steps, then channels"
_SEVERAL = "several layers are several items of the list"
_BETWEEN = "put Dropout between the layers of the list"
_ONE_WAY = "it changes no result, and foxnn has one way to compute a layer"

#: By the name elsewhere, in lower case.
PLACES: dict[str, str] = {
    # The samples.
    "data": "fit.x", "features": "fit.x", "inputs": "fit.x", "input": "fit.x", "x_train": "fit.x",
    "labels": "fit.y", "target": "fit.y", "targets": "fit.y", "y_train": "fit.y", "y_true": "fit.y",
    "weights": "fit.sample_weight", "sample_weights": "fit.sample_weight",
    "class_weights": "fit.class_weight",
    # The length of a training.
    "max_epochs": "fit.epochs", "max_iter": "fit.epochs", "n_epoch": "fit.epochs",
    "n_epochs": "fit.epochs", "nb_epoch": "fit.epochs", "num_epochs": "fit.epochs",
    "num_train_epochs": "fit.epochs", "epoch": "fit.epochs", "n_iter": "fit.epochs",
    "iterations": "fit.epochs", "train_time_limit": "fit.time_limit", "max_time": "fit.time_limit",
    "initial_epoch": "foxnn.resume continues a run from its checkpoint",
    "steps_per_epoch": "an epoch is a pass over all samples; train_on_batch makes single steps",
    "warm_start": "a second fit continues where the first ended",
    # The steps.
    "batch": "fit.batch_size", "batchsize": "fit.batch_size", "bs": "fit.batch_size",
    "minibatch_size": "fit.batch_size", "drop_last": "the last step takes the samples that remain",
    "lr": "fit.learning_rate", "eta": "fit.learning_rate", "eta0": "fit.learning_rate",
    "learning_rate_init": "fit.learning_rate", "initial_learning_rate": "fit.learning_rate",
    "step_size": "fit.learning_rate", "speed": "fit.learning_rate",
    "solver": "fit.optimizer", "optim": "fit.optimizer", "optimiser": "fit.optimizer",
    "scheduler": "fit.schedule", "lr_scheduler": "fit.schedule", "lr_schedule": "fit.schedule",
    "learning_rate_schedule": "fit.schedule", "power_t": "fit.schedule",
    "clipnorm": "fit.clip_norm", "global_clipnorm": "fit.clip_norm", "max_norm": "fit.clip_norm",
    "max_grad_norm": "fit.clip_norm", "gradient_clip_val": "fit.clip_norm",
    "clipvalue": "fit.clip_value",
    "accumulate_grad_batches": "a larger batch_size does the same",
    "gradient_accumulation_steps": "a larger batch_size does the same",
    # The constants of optimizers.
    "momentum": "SGD.momentum", "nesterov": "SGD.nesterov", "nesterovs_momentum": "SGD.nesterov",
    "beta_1": "Adam.beta_1", "beta_2": "Adam.beta_2", "epsilon": "Adam.epsilon",
    "beta1": "Adam.beta_1", "beta2": "Adam.beta_2", "eps": "Adam.epsilon",
    "betas": "the two are foxnn.Adam(beta_1=..., beta_2=...)", "rho": "RMSprop.rho",
    "weight_decay": "AdamW.weight_decay", "decay": "fit.schedule",
    "amsgrad": "Adam follows its paper", "dampening": "momentum is not dampened",
    "centered": "the mean of squares is not centered",
    "params": "an optimizer belongs to no network before fit gets it",
    "maximize": "a loss is always minimized", "foreach": _NO_DEVICE, "fused": _NO_DEVICE,
    "use_ema": "weights are not averaged",
    # Changes of the samples.
    "data_augmentation": "fit.augment", "augmentation": "fit.augment", "transform": "fit.augment",
    "transforms": "fit.augment", "width_shift_range": "shift.positions",
    "horizontal_flip": "flip.axis", "p": "flip.probability", "rotation_range": "rotate.degrees",
    "angle": "rotate.degrees", "stddev": "noise.scale", "std": "noise.scale",
    # Sequences.
    "mask": _MASK, "mask_zero": _MASK, "sequence_length": "fit.lengths",
    "sequence_lengths": "fit.lengths", "batch_first": _AXES, "time_major": _AXES,
    "stateful": _STATE, "return_state": _STATE, "initial_state": _STATE,
    # Penalties.
    "alpha": "fit.l2", "l2_regularization": "fit.l2", "reg_lambda": "fit.l2", "penalty": "fit.l2",
    "l1_ratio": "the penalties l1 and l2 are set separately", "dropout_rate": "fit.dropout",
    "dropouts": "fit.dropout",
    # Validation and the end.
    "validation_split": "fit.validation", "validation_data": "fit.validation",
    "validation_fraction": "fit.validation", "val_split": "fit.validation",
    "val_data": "fit.validation", "valid": "fit.validation", "eval_set": "fit.validation",
    "x_val": "fit.validation", "y_val": "fit.validation", "test_size": "fit.validation",
    "validation_steps": "all validation samples are used",
    "validation_batch_size": _PIECES, "validation_freq": "it runs after every epoch",
    "patience": "fit.early_stopping", "n_iter_no_change": "fit.early_stopping",
    "early_stopping_rounds": "fit.early_stopping", "monitor": "EarlyStopping.monitor",
    "tol": "EarlyStopping.min_delta", "min_delta": "EarlyStopping.min_delta",
    "restore_best_weights": "EarlyStopping.restore_best",
    "restore_best": "EarlyStopping.restore_best",
    "mode": "a lower loss is better, and a higher accuracy",
    "start_from_epoch": "it counts from the first epoch", "baseline": "a callback can end a run",
    # What is seen of it.
    "verbose": "fit.progress", "progress_bar": "fit.progress", "show_progress": "fit.progress",
    "enable_progress_bar": "fit.progress", "verbosity": "fit.progress",
    "callback": "fit.callbacks", "metrics": "evaluate.metrics",
    "loss_weights": "fit.sample_weight", "return_dict": "it returns a dict",
    "ckpt_path": "fit.checkpoint", "checkpoint_path": "fit.checkpoint",
    "default_root_dir": "fit.checkpoint", "max_fun": "fit.epochs",
    # The network.
    "hidden_layer_sizes": "neural_network.sizes", "layers": "neural_network.sizes",
    "layer_sizes": "neural_network.sizes", "hidden": "neural_network.sizes",
    "hidden_sizes": "neural_network.sizes", "hidden_layers": "neural_network.sizes",
    "units": "neural_network.sizes", "input_dim": "neural_network.sizes",
    "input_shape": "neural_network.sizes", "input_size": "neural_network.sizes",
    "output_dim": "neural_network.sizes", "output_size": "neural_network.sizes",
    "n_inputs": "neural_network.sizes", "n_outputs": "neural_network.sizes",
    "activations": "neural_network.activation", "hidden_activation": "neural_network.activation",
    "activation_function": "neural_network.activation",
    "nonlinearity": "neural_network.activation",
    "out_activation": "neural_network.output_activation",
    "last_activation": "neural_network.output_activation",
    "final_activation": "neural_network.output_activation",
    "criterion": "neural_network.loss", "loss_fn": "neural_network.loss",
    "loss_function": "neural_network.loss", "objective": "neural_network.loss",
    "initializer": "neural_network.init", "kernel_initializer": "neural_network.init",
    "weight_init": "neural_network.init", "weights_init": "neural_network.init",
    "init_method": "neural_network.init", "random_state": "neural_network.seed",
    "random_seed": "neural_network.seed", "rng": "neural_network.seed",
    "generator": "neural_network.seed", "manual_seed": "neural_network.seed",
    "hidden_size": "neural_network.sizes", "num_layers": _SEVERAL,
    "precision": "neural_network.dtype", "filename": "neural_network.sizes",
    "use_bias": "Dense.bias", "bias": "Dense.bias", "device": _NO_DEVICE, "gpu": _NO_DEVICE,
    "devices": _NO_DEVICE, "accelerator": _NO_DEVICE, "jit_compile": _NO_DEVICE,
    "run_eagerly": _NO_DEVICE, "n_jobs": _THREADS, "n_threads": _THREADS, "num_threads": _THREADS,
    "threads": _THREADS, "workers": _THREADS, "num_workers": _THREADS,
    "use_multiprocessing": _THREADS, "max_queue_size": "samples are arrays, read in place",
    "scaler": "fit.scale", "normalize": "fit.scale", "standardize": "fit.scale",
    "filepath": "resume.name_file", "file": "resume.name_file", "path": "resume.name_file",
}  # fmt: skip

_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D")
_POOLS = tuple(f"{name}Pool{axes}D" for name in ("Max", "Average") for axes in (1, 2, 3))
_RECURRENT = ("RNN", "GRU", "LSTM")

#: Answers for one call only: by the call and the name elsewhere.
HERE: dict[tuple[str, str], str] = {
    **{
        (call, theirs): f"{call}.{ours}"
        for call in _CONVOLUTIONS
        for theirs, ours in {
            "kernel_size": "kernel", "strides": "stride", "dilation_rate": "dilation",
            "out_channels": "filters", "units": "filters", "kernel_initializer": "init",
            "use_bias": "bias",
        }.items()
    },
    **{(call, "in_channels"): _INPUTS for call in _CONVOLUTIONS},
    **{
        (call, theirs): f"{call}.{ours}"
        for call in _RECURRENT
        for theirs, ours in {
            "hidden_size": "units", "go_backwards": "reverse", "kernel_initializer": "init",
            "use_bias": "bias",
        }.items()
    },
    **{(call, "input_size"): _INPUTS for call in _RECURRENT},
    **{
        (call, theirs): answer
        for call in _RECURRENT
        for theirs, answer in {
            "activation": "it has its own functions, tanh and sigmoid",
            "nonlinearity": "it has its own functions, tanh and sigmoid",
            "recurrent_activation": "it has its own functions, tanh and sigmoid",
            "recurrent_initializer": "recurrent weights start orthogonal",
            "num_layers": _SEVERAL, "input_shape": _INPUTS,
            "dropout": _BETWEEN, "recurrent_dropout": _BETWEEN,
            "reset_after": "it is as with reset_after=True",
            "unroll": _ONE_WAY, "implementation": _ONE_WAY, "use_cudnn": _ONE_WAY,
            "proj_size": "the state is as wide as the layer; Dense after it narrows its outputs",
            "merge_mode": "the outputs of both directions lie side by side",
            "bias_initializer": "biases start at 0, those of an LSTM's forget gate at 1",
            "unit_forget_bias": "it is as with unit_forget_bias=True",
            "kernel_regularizer": _LAYERS_L2, "recurrent_regularizer": _LAYERS_L2,
            "bias_regularizer": _LAYERS_L2, "activity_regularizer": _LAYERS_L2,
        }.items()
    },
    **{
        (call, theirs): f"{call}.{ours}"
        for call in _POOLS
        for theirs, ours in {
            "pool_size": "size", "kernel_size": "size", "strides": "stride",
        }.items()
    },
    ("UpSample", "size"): "UpSample.factor",
    ("UpSample", "scale_factor"): "UpSample.factor",
    ("BatchNorm", "num_features"): _INPUTS,
    ("Embedding", "input_dim"): "Embedding.count", ("Embedding", "output_dim"): "Embedding.size",
    ("Embedding", "num_embeddings"): "Embedding.count",
    ("Embedding", "embedding_dim"): "Embedding.size",
    ("Embedding", "embeddings_initializer"): "nn[i].weights sets the table",
    ("Embedding", "sparse"): "rows that a batch does not name are left out by itself",
    ("Embedding", "padding_idx"): "every row is trained",
    ("Embedding", "input_length"): "the first item of the list is the shape of a sample",
    **{(call, "batch_size"): _PIECES for call in ("predict", "evaluate")},
    **{(call, "steps"): _PIECES for call in ("predict", "evaluate")},
    **{(call, "verbose"): _SILENT for call in ("predict", "evaluate", "train_on_batch")},
    **{(call, "callbacks"): "it has no steps to call them" for call in ("predict", "evaluate")},
    ("evaluate", "scoring"): "evaluate.metrics",
    ("evaluate", "normalize"): "losses and metrics are means",
    ("predict", "return_std"): "a network has no standard deviation of its outputs",
    **{
        ("train_on_batch", name): "fit takes it; a single step weights all of its samples equally"
        for name in ("sample_weight", "class_weight")
    },
    ("train_on_batch", "reset_metrics"): "it returns the loss of its own samples",
    **{
        (optimizer, name): place
        for optimizer in ("SGD", "Adam", "RMSprop")
        for name, place in {
            "decay": "fit.schedule",
            "weight_decay": "AdamW.weight_decay",
        }.items()
    },
    ("RMSprop", "alpha"): "RMSprop.rho", ("RMSprop", "decay"): "RMSprop.rho",
    ("AdamW", "decay"): "AdamW.weight_decay",
    ("EarlyStopping", "n_iter_no_change"): "EarlyStopping.patience",
    ("EarlyStopping", "early_stopping_rounds"): "EarlyStopping.patience",
    ("EarlyStopping", "verbose"): _SILENT,
    ("EarlyStopping", "threshold"): "EarlyStopping.min_delta",
    ("EarlyStopping", "save_best"): "EarlyStopping.restore_best",
    ("step", "step_size"): "step.every", ("step", "gamma"): "step.factor",
    ("step", "decay_steps"): "step.every", ("step", "decay_rate"): "step.factor",
    ("step", "drop"): "step.factor", ("step", "milestones"): "step.every",
    ("exponential", "gamma"): "exponential.decay", ("exponential", "decay_rate"):
    "exponential.decay", ("exponential", "factor"): "exponential.decay",
    ("inverse", "decay_rate"): "inverse.decay", ("inverse", "gamma"): "inverse.decay",
    ("cosine", "t_max"): "cosine.epochs", ("cosine", "decay_steps"): "cosine.epochs",
    ("cosine", "alpha"): "cosine.final",
    ("cosine", "eta_min"): "final is the share of the rate that is left at the end",
    ("cosine", "warmup_steps"): "foxnn.schedules.warmup rises before it",
    ("warmup", "warmup_steps"): "warmup.epochs", ("warmup", "total_iters"): "warmup.epochs",
    ("warmup", "after"): "warmup.then",
    ("Dense", "n_neurons"): "Dense.units", ("Dense", "out_features"): "Dense.units",
    ("Dense", "neurons"): "Dense.units", ("Dense", "size"): "Dense.units",
    ("Dense", "in_features"): _INPUTS, ("Dense", "input_dim"): _INPUTS,
    ("Dense", "input_shape"): _INPUTS,
    ("Dense", "bias_initializer"): "biases start at 0",
    ("Dense", "kernel_regularizer"): _LAYERS_L2, ("Dense", "bias_regularizer"): _LAYERS_L2,
    ("Dense", "activity_regularizer"): _LAYERS_L2,
    ("Dropout", "p"): "Dropout.rate", ("Dropout", "prob"): "Dropout.rate",
    ("Dropout", "keep_prob"): "the rate is the share that is dropped: 1 - keep_prob",
    ("Dropout", "seed"): "the masks follow from the seed of the network",
    ("Dropout", "inplace"): "foxnn manages memory itself",
    ("LayerNorm", "normalized_shape"): _INPUTS, ("LayerNorm", "axis"): _INPUTS,
    ("LayerNorm", "elementwise_affine"): "nn[i].trainable = False keeps weights of 1",
    ("Reshape", "target_shape"): "Reshape.shape", ("Reshape", "size"): "Reshape.shape",
}  # fmt: skip
