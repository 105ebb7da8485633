"""Bars and companies in; runs, verdicts and forecasts out; views for people."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE marketcast.companies (
  ticker text COLLATE "C" PRIMARY KEY,
  name text,
  sector text,
  exchange text,
  currency text
);

CREATE TABLE marketcast.bars (
  ticker text COLLATE "C",
  date date,
  open double precision NOT NULL,
  high double precision NOT NULL,
  low double precision NOT NULL,
  close double precision NOT NULL,
  adj_close double precision NOT NULL,
  volume double precision NOT NULL,
  PRIMARY KEY (ticker, date)
);

CREATE TABLE marketcast.runs (
  run_id text PRIMARY KEY,
  model_version text NOT NULL,
  code_commit text NOT NULL,
  data_fingerprint text NOT NULL,
  last_bar date NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('pushed', 'refused')),
  recorded_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE marketcast.runs IS
  'A row a model, data and gate. code_commit is what trained the model, last_bar the newest bar of the data.';

CREATE TABLE marketcast.verdict_checks (
  run_id text REFERENCES marketcast.runs,
  title text,
  metric text NOT NULL,
  figure double precision,
  shown text NOT NULL,
  bound text NOT NULL,
  passed boolean NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (run_id, title)
);

CREATE TABLE marketcast.forecasts (
  model_version text,
  ticker text COLLATE "C",
  as_of date,
  horizon smallint,
  target_date date,
  close double precision NOT NULL,
  q05 double precision NOT NULL,
  q10 double precision NOT NULL,
  q25 double precision NOT NULL,
  q50 double precision NOT NULL,
  q75 double precision NOT NULL,
  q90 double precision NOT NULL,
  q95 double precision NOT NULL,
  actual double precision,
  loss double precision,
  baseline_loss double precision,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (model_version, ticker, as_of, horizon),
  CHECK (num_nulls(actual, loss, baseline_loss) IN (0, 3))
);
COMMENT ON TABLE marketcast.forecasts IS
  'Quantiles and actual are log returns of the adjusted close from as_of on, close is the price on as_of. '
  'The losses are pinball losses, mean over the quantiles, of the model and of EWMA-empirical.';
"""

VIEWS = """
CREATE VIEW marketcast.latest_forecast AS
SELECT DISTINCT ON (ticker, horizon)
  ticker, as_of, horizon, close,
  close * exp(q05) AS price_05, close * exp(q10) AS price_10, close * exp(q25) AS price_25,
  close * exp(q50) AS price_50, close * exp(q75) AS price_75, close * exp(q90) AS price_90,
  close * exp(q95) AS price_95,
  model_version
FROM marketcast.forecasts
JOIN (
  SELECT model_version, max(recorded_at) AS pushed_at
  FROM marketcast.runs
  WHERE outcome = 'pushed'
  GROUP BY model_version
) AS pushed USING (model_version)
ORDER BY ticker, horizon, as_of DESC, pushed_at DESC;
COMMENT ON VIEW marketcast.latest_forecast IS
  'A row a ticker and horizon: the newest forecast of a model that was pushed, as prices.';

CREATE VIEW marketcast.forecast_beside_actual AS
SELECT
  model_version, ticker, as_of, horizon, target_date, close,
  close * exp(q05) AS price_05, close * exp(q10) AS price_10, close * exp(q25) AS price_25,
  close * exp(q50) AS price_50, close * exp(q75) AS price_75, close * exp(q90) AS price_90,
  close * exp(q95) AS price_95,
  close * exp(actual) AS actual_price,
  actual BETWEEN q05 AND q95 AS inside_90,
  loss,
  baseline_loss
FROM marketcast.forecasts
WHERE actual IS NOT NULL;
COMMENT ON VIEW marketcast.forecast_beside_actual IS
  'Forecasts whose day has come, of every model, refused ones too. Prices are in the money of as_of: a later '
  'split or dividend does not change them.';

CREATE VIEW marketcast.skill_by_ticker_month AS
SELECT
  model_version, ticker, date_trunc('month', as_of)::date AS month, horizon,
  count(*) AS num_forecasts,
  avg(loss) AS loss,
  avg(baseline_loss) AS baseline_loss,
  1 - avg(loss) / nullif(avg(baseline_loss), 0) AS skill,
  avg(inside_90::integer)::double precision AS coverage_90
FROM marketcast.forecast_beside_actual
GROUP BY model_version, ticker, month, horizon;
COMMENT ON VIEW marketcast.skill_by_ticker_month IS
  'Pinball loss of the model beside that of EWMA-empirical; skill is the share by which it is less.';
"""


def upgrade() -> None:
    """Makes everything."""
    op.execute(TABLES)
    op.execute(VIEWS)


def downgrade() -> None:
    """Takes everything away, the data with it."""
    op.execute(
        "DROP VIEW marketcast.skill_by_ticker_month, marketcast.forecast_beside_actual, "
        "marketcast.latest_forecast"
    )
    op.execute(
        "DROP TABLE marketcast.forecasts, marketcast.verdict_checks, marketcast.runs, marketcast.bars, "
        "marketcast.companies"
    )
