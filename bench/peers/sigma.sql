-- What Stripe's own queries for Sigma do: item by item what each event changed (as the table
-- subscription_item_change_events has it), and of each customer's changes the month's roll-forward. Usage is no
-- part of that table. {events} is the file, one event a line. Amounts are in minor units, as DOUBLE.
CREATE OR REPLACE TEMP TABLE state AS
SELECT object->>'$.id' AS subscription, object->>'$.customer' AS customer, created, line,
       CASE WHEN object->>'$.status' IN ('active', 'past_due') THEN CAST(object->'$.items.data' AS JSON[]) ELSE [] END AS items
FROM (
    SELECT CAST(json->>'$.created' AS BIGINT) AS created, json->>'$.type' AS type, json->'$.data.object' AS object, line
    FROM (SELECT json, row_number() OVER () AS line FROM read_ndjson_objects('{events}', maximum_object_size = 67108864))
)
WHERE type LIKE 'customer.subscription.%';

CREATE OR REPLACE TEMP TABLE held AS
SELECT subscription, customer, created, line, item->>'$.id' AS item, item->>'$.price.currency' AS currency,
       CAST(item->>'$.price.unit_amount' AS DOUBLE) * CAST(item->>'$.quantity' AS DOUBLE)
           / CASE item->>'$.price.recurring.interval' WHEN 'year' THEN 12 ELSE 1 END AS mrr
FROM (SELECT * EXCLUDE items, unnest(items) AS item FROM state)
WHERE item->>'$.price.recurring.usage_type' = 'licensed';

-- Every item at every event of its subscription, zero where it is not there.
CREATE OR REPLACE TEMP TABLE subscription_item_change_events AS
WITH known AS (SELECT DISTINCT subscription, item, currency FROM held),
told AS (
    SELECT s.customer, s.subscription, k.item, k.currency, s.created, s.line, coalesce(h.mrr, 0) AS mrr
    FROM state s JOIN known k USING (subscription)
    LEFT JOIN held h ON h.line = s.line AND h.item = k.item
),
changed AS (
    SELECT *, mrr - lag(mrr, 1, 0) OVER (PARTITION BY item ORDER BY created, line) AS mrr_change FROM told
)
SELECT customer, currency, created, line, mrr_change,
       strftime(to_timestamp(created), '%Y-%m') AS month
FROM changed WHERE mrr_change <> 0;

CREATE OR REPLACE TABLE rollforward AS
WITH first AS (SELECT customer, min(month) AS month FROM subscription_item_change_events GROUP BY customer),
months AS (
    SELECT strftime(unnest(generate_series(TIMESTAMP '{first}', TIMESTAMP '{last}' - INTERVAL 1 MONTH, INTERVAL 1 MONTH)), '%Y-%m') AS month
),
moved AS (
    SELECT customer, currency, month, sum(mrr_change) AS change FROM subscription_item_change_events GROUP BY ALL
),
grid AS (
    SELECT m.month, k.customer, k.currency, coalesce(c.change, 0) AS change,
           sum(coalesce(c.change, 0)) OVER (PARTITION BY k.customer, k.currency ORDER BY m.month) AS after
    FROM (SELECT DISTINCT month FROM (SELECT month FROM months UNION SELECT month FROM moved)) m
    CROSS JOIN (SELECT DISTINCT customer, currency FROM moved) k
    LEFT JOIN moved c ON c.month = m.month AND c.customer = k.customer AND c.currency = k.currency
),
pair AS (
    -- Sums of floating numbers leave dust where nothing is left.
    SELECT g.month, g.currency, round(g.after - g.change, 4) AS before, round(g.after, 4) AS after, f.month AS first
    FROM grid g JOIN first f ON f.customer = g.customer
)
SELECT month, currency, sum(before) AS starting_mrr,
       sum(CASE WHEN before = 0 AND first = month THEN after ELSE 0 END) AS new,
       sum(CASE WHEN before = 0 AND first <> month THEN after ELSE 0 END) AS reactivation,
       sum(CASE WHEN before > 0 AND after > before THEN after - before ELSE 0 END) AS expansion,
       sum(CASE WHEN before > 0 AND after > 0 AND after < before THEN after - before ELSE 0 END) AS contraction,
       sum(CASE WHEN before > 0 AND after = 0 THEN -before ELSE 0 END) AS churn,
       sum(after) AS ending_mrr
FROM pair WHERE month IN (SELECT month FROM months) GROUP BY ALL ORDER BY month, currency;
