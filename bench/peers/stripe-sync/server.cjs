// stripe-sync-engine behind Fastify, as its documentation shows it: each delivery is verified, then committed, then
// answered. It listens on PORT and stores in DATABASE_URL, whose schema `stripe` it makes. (Its migrations are found by
// CommonJS only.)
const Fastify = require("fastify");
const { StripeSync, runMigrations } = require("@supabase/stripe-sync-engine");

const { DATABASE_URL, PORT, STRIPE_WEBHOOK_SECRET, POOL } = process.env;
const logger = { info() {}, error: (...told) => console.error(...told) };

async function main() {
  await runMigrations({ databaseUrl: DATABASE_URL, schema: "stripe", logger });
  const sync = new StripeSync({
    poolConfig: { connectionString: DATABASE_URL, max: Number(POOL ?? 10), keepAlive: true },
    schema: "stripe",
    stripeSecretKey: "sk_test_of_nobody",
    stripeWebhookSecret: STRIPE_WEBHOOK_SECRET,
    autoExpandLists: false,
    backfillRelatedEntities: false,
  });
  const server = Fastify({ logger: false });
  server.addContentTypeParser("application/json", { parseAs: "buffer" }, (_, body, done) => done(null, body));
  server.post("/webhooks/stripe", async (request) => {
    await sync.processWebhook(request.body, request.headers["stripe-signature"]);
    return { received: true };
  });
  await server.listen({ port: Number(PORT), host: "127.0.0.1" });
}

main();
