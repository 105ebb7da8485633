"""Names and numbers that two sides of marketcast share. This module imports nothing.

A name belongs here when it crosses a process, an artifact or a wire: bar columns, tf.Example
features, signatures and their tensors, the served model's name, artifact keys and files.
"""

# --- Bars: the long input format, one row a ticker and day --------------------------------------
TICKER = "ticker"
DATE = "date"
OPEN = "open"
HIGH = "high"
LOW = "low"
CLOSE = "close"
ADJ_CLOSE = "adj_close"
VOLUME = "volume"

PRICE_COLUMNS = (OPEN, HIGH, LOW, CLOSE, ADJ_CLOSE)
"""Prices in currency units, positive; only `adj_close` is adjusted for splits and dividends."""
BAR_COLUMNS = (*PRICE_COLUMNS, VOLUME)
"""The numeric columns of a bar, in the order in which they are stored and sent."""

SECTOR = "sector"
"""Column of the company metadata, joined by ticker; slices the evaluation."""
UNKNOWN_SECTOR = "unknown"

# --- Splits ------------------------------------------------------------------------------------
TRAIN_SPLIT = "train"
"""tensorflow-transform analyses the split of this name only."""
EVAL_SPLIT = "eval"
TEST_SPLIT = "test"
SPLITS = (TRAIN_SPLIT, EVAL_SPLIT, TEST_SPLIT)

# --- What a forecast is ------------------------------------------------------------------------
LOOKBACK = 260
"""Bars a forecast looks at, the as-of day included: the shortest request."""
HORIZONS = (1, 2, 3, 4, 5)
"""Trading days ahead."""
QUANTILE_LEVELS = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
MEDIAN_INDEX = QUANTILE_LEVELS.index(0.50)

# --- Chunk examples (tf.Example), besides TICKER, SECTOR, DATE and BAR_COLUMNS ------------------
LABEL = "label"
"""float32, [target_days * len(HORIZONS)] row-major: log return of `adj_close` over h days."""
LABEL_MASK = "label_mask"
"""float32, same shape: 1 where the label is real, 0 where it is purged or not yet known."""

MARKET = "market"
"""float32, [bars * len(MARKET_FEATURES)] row-major: the market of each bar's day; absent where the network
does not see it, and zeros on a day without a market."""
MARKET_FEATURES = (
    "mean_standardised_return",
    "mean_absolute_standardised_return",
    "log_mean_volatility",
    "dispersion",
    "has_market",
)
"""The last one is 1 on a day with a market, where all others may be 0 too."""

# --- Transformed features ----------------------------------------------------------------------
FEATURES = "features"
"""float32 ragged [batch, (time), num_features]: causal, dimensionless network inputs."""
VOLATILITY = "volatility"
"""float32 ragged [batch, (time)]: EWMA volatility of the daily log return, a fraction."""
BASE_QUANTILES = "base_quantiles"
"""float32 [batch, len(HORIZONS) * len(QUANTILE_LEVELS)]: train quantiles of return / (s sqrt(h))."""

# --- Signatures --------------------------------------------------------------------------------
FORECAST_SIGNATURE = "forecast"
"""Raw bars in, price quantiles out."""
ROW_FORECAST_SIGNATURE = "forecast_rows"
"""The same with a row for each ticker in every output: what a server needs that joins requests into batches,
and the row format of REST."""
DEFAULT_SIGNATURE = "serving_default"
"""The same from serialized tf.Examples, as BulkInferrer wants it: with `model_version` as [batch, 1]."""
UNIVERSE_SIGNATURE = "forecast_universe"
"""Raw bars of a whole universe with their days in; the market of a day is that of the request's own rows.
Models that see no market have none."""
EVALUATE_SIGNATURE = "evaluate"
"""Serialized chunk examples in, a forecast at each target day out: what the Evaluator calls."""
EXAMPLES_INPUT = "examples"

RETURN_QUANTILES = "return_quantiles"
PRICE_QUANTILES = "price_quantiles"
LAST_CLOSE = "last_close"
QUANTILE_LEVELS_OUTPUT = "quantile_levels"
HORIZONS_OUTPUT = "horizons"
MODEL_VERSION = "model_version"
HAS_MARKET = "has_market"
"""1 for each ticker whose last day has a market, else 0; an output of models that see the market only."""

# --- Tables of forecasts: a row a ticker, horizon and quantile -----------------------------------
AS_OF = "as_of"
"""The day on whose close a forecast is made."""
HORIZON = "horizon"
QUANTILE = "quantile"
PRICE = "price"
RETURN = "return"
FORECAST_COLUMNS = (TICKER, AS_OF, HORIZON, QUANTILE, PRICE, RETURN, MODEL_VERSION)

# --- The served model --------------------------------------------------------------------------
MODEL_NAME = "marketcast"
ASSETS_EXTRA = "assets.extra"
"""Files that travel with a SavedModel and that TF Serving does not read, but for the warm-up."""
WARMUP_FILE = "tf_serving_warmup_requests"
"""TFRecord of tensorflow.serving.PredictionLog; TF Serving replays it before a version goes live."""
GOLDEN_FILE = "golden_forecasts.json"
"""The warm-up requests and the forecasts they must give: {"requests": [...], "expected": [...]}."""
RECORD_FILE = "record.json"
"""The model's record: config, data span and fingerprint, metrics beside the baselines, versions."""
MODEL_CARD_FILE = "model_card.md"
"""What a pushed model is, for people: uses, data, verdict, limits, lineage."""
MODEL_CARD_DATA_FILE = "model_card.json"
"""The same for programs."""
MANIFEST_FILE = "manifest.json"
"""{relative path: sha256} of every other file of a pushed version."""

# --- Keys of a record: what the Trainer writes, then what a push adds ------------------------------
RECORD_MODEL = "model"
RECORD_TRAIN = "train"
RECORD_MARKET = "market"
"""Where the network sees the market only."""
RECORD_TRAIN_EXAMPLES = "train_examples"
RECORD_EVAL_EXAMPLES = "eval_examples"
RECORD_VALIDATION_LOSS = "validation_loss"
RECORD_COMMIT = "commit"
RECORD_VERSIONS = "versions"
RECORD_METRICS = "metrics"
RECORD_CHAMPION_METRICS = "champion_metrics"
RECORD_VERDICT = "verdict"
RECORD_PUSH = "push"

# --- What an operator changes from run to run, without compiling again ---------------------------
DATA_PARAMETER = "data"
"""Path of the bars."""
METADATA_PARAMETER = "metadata"
"""Path of the company metadata."""
AS_OF_PARAMETER = "as_of"
"""Bars after this day are ignored, YYYY-MM-DD."""
KNOWN_ON_PARAMETER = "known_on"
"""A lake is read as it was known on this day, YYYY-MM-DD."""
TRAIN_STEPS_PARAMETER = "train_steps"
SEED_PARAMETER = "seed"
PUSH_DESTINATION_PARAMETER = "push_destination"
"""Folder that gets the new version."""
CHAMPION_LOCATION_PARAMETER = "champion_location"
"""Folder of the versions among which the champion is."""
FORECASTS_DESTINATION_PARAMETER = "forecasts_destination"
"""File of the forecasts of a universe, .parquet or .csv."""

# --- Artifact properties -----------------------------------------------------------------------
SPAN_PROPERTY = "span"
FINGERPRINT_PROPERTY = "input_fingerprint"
ABSENT_PROPERTY = "absent"
"""1 on an artifact that stands for 'there is none', such as the champion of a first run."""
REUSED_PROPERTY = "reused"
"""1 on an artifact that is a copy of what an earlier run made of the same content."""
REUSED_BEFORE_PROPERTY = "reused_before"
"""On examples: chunks of days before this one are an earlier run's, YYYY-MM-DD; empty for none."""

# --- What a runner tells every component, besides the component's own parameters ----------------------------
CODE_PROPERTY = "code_fingerprint"
"""Of the code and the frameworks: results are reused only where it is the same."""
RESULTS_PROPERTY = "results_folder"
"""Where results are kept, to be reused by later runs."""
