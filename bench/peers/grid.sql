-- The month grid that models for dbt build: for every customer and month the level at the month's end, from the
-- last state of each subscription up to then, and each month beside the one before it.
-- {events} is the file, one event a line. Levels are in minor units, as DOUBLE: that is what these models use.
CREATE OR REPLACE TEMP TABLE event AS
SELECT created, type, object, rank() OVER (PARTITION BY object->>'$.id', type[1:9] ORDER BY created, line) AS place
FROM (
    SELECT CAST(json->>'$.created' AS BIGINT) AS created, json->>'$.type' AS type, json->'$.data.object' AS object, line
    FROM (SELECT json, row_number() OVER () AS line FROM read_ndjson_objects('{events}', maximum_object_size = 67108864))
)
WHERE type LIKE 'customer.subscription.%' OR type = 'invoice.finalized';

CREATE OR REPLACE TEMP TABLE month AS
SELECT epoch(until)::BIGINT AS until, strftime(until - INTERVAL 1 DAY, '%Y-%m') AS month
FROM (SELECT unnest(generate_series(TIMESTAMP '{first}', TIMESTAMP '{last}', INTERVAL 1 MONTH)) AS until);

-- From when until when a subscription was as an event says.
CREATE OR REPLACE TEMP TABLE state AS
SELECT object->>'$.id' AS subscription, object->>'$.customer' AS customer, object->>'$.status' AS status, object,
       created AS since, lead(created, 1, 9223372036854775807) OVER (PARTITION BY object->>'$.id' ORDER BY place) AS until
FROM event WHERE type LIKE 'customer.subscription.%';

CREATE OR REPLACE TEMP TABLE licensed AS
SELECT customer, currency, until, sum(level) AS level
FROM (
    SELECT s.customer, m.until, item->>'$.price.currency' AS currency,
           CAST(item->>'$.price.unit_amount' AS DOUBLE) * CAST(item->>'$.quantity' AS DOUBLE)
               / CASE item->>'$.price.recurring.interval' WHEN 'year' THEN 12 ELSE 1 END AS level
    FROM month m
    JOIN state s ON s.since < m.until AND s.until >= m.until AND s.status IN ('active', 'past_due'),
    LATERAL (SELECT unnest(CAST(s.object->'$.items.data' AS JSON[])) AS item)
    WHERE item->>'$.price.recurring.usage_type' = 'licensed'
)
GROUP BY ALL;

-- What was used in the last period that was billed, while the subscription runs.
CREATE OR REPLACE TEMP TABLE metered AS
SELECT customer, currency, until, sum(level) AS level
FROM (
    SELECT u.customer, u.currency, m.until, u.amount AS level
    FROM month m
    JOIN (
        SELECT customer, subscription, currency, item, amount, ended,
               lead(ended, 1, 9223372036854775807) OVER (PARTITION BY item ORDER BY ended) AS until
        FROM (
            SELECT i.object->>'$.customer' AS customer, i.object->>'$.currency' AS currency,
                   coalesce(i.object->>'$.subscription', i.object->>'$.parent.subscription_details.subscription') AS subscription,
                   coalesce(line->>'$.subscription_item', line->>'$.parent.subscription_item_details.subscription_item') AS item,
                   CAST(line->>'$.amount' AS DOUBLE) AS amount, CAST(line->>'$.period.end' AS BIGINT) AS ended,
                   coalesce(line->>'$.price.id', line->>'$.pricing.price_details.price') AS price
            FROM event i, LATERAL (SELECT unnest(CAST(i.object->'$.lines.data' AS JSON[])) AS line)
            WHERE i.type = 'invoice.finalized'
        )
        WHERE price LIKE 'price_calls%'
    ) u ON u.ended <= m.until AND u.until > m.until
    JOIN state s ON s.subscription = u.subscription AND s.since < m.until AND s.until >= m.until
                AND s.status IN ('active', 'past_due')
)
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE grid AS
SELECT customer, currency, until, sum(level) AS level
FROM (SELECT * FROM licensed UNION ALL SELECT * FROM metered) GROUP BY ALL HAVING sum(level) > 0;

CREATE OR REPLACE TABLE rollforward AS
WITH first AS (SELECT customer, min(since) AS since FROM state WHERE status IN ('active', 'past_due') GROUP BY customer),
pair AS (
    SELECT m.month, m.until, k.customer, k.currency, coalesce(b.level, 0) AS before, coalesce(a.level, 0) AS after,
           f.since >= epoch(to_timestamp(m.until) - INTERVAL 1 MONTH)::BIGINT AS is_new
    FROM month m
    CROSS JOIN (SELECT DISTINCT customer, currency FROM grid) k
    JOIN first f ON f.customer = k.customer
    LEFT JOIN month p ON p.until = (SELECT max(until) FROM month o WHERE o.until < m.until)
    LEFT JOIN grid a ON a.customer = k.customer AND a.currency = k.currency AND a.until = m.until
    LEFT JOIN grid b ON b.customer = k.customer AND b.currency = k.currency AND b.until = p.until
    WHERE a.level IS NOT NULL OR b.level IS NOT NULL
)
SELECT month, currency, sum(before) AS starting_mrr,
       sum(CASE WHEN before = 0 AND is_new THEN after ELSE 0 END) AS new,
       sum(CASE WHEN before = 0 AND NOT is_new THEN after ELSE 0 END) AS reactivation,
       sum(CASE WHEN before > 0 AND after > before THEN after - before ELSE 0 END) AS expansion,
       sum(CASE WHEN before > 0 AND after > 0 AND after < before THEN after - before ELSE 0 END) AS contraction,
       sum(CASE WHEN before > 0 AND after = 0 THEN -before ELSE 0 END) AS churn,
       sum(after) AS ending_mrr
FROM pair GROUP BY ALL ORDER BY month, currency;
