// The demo's business, served: as it is told, and once more with all that a book can have: a reporting currency, a closed
// month, and what was heard of it too late.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const upswell = process.env.UPSWELL_BIN ?? join(root, "target/debug/upswell");
const stories = join(root, "fixtures/stories");

export const MONTH = "2026-10";
export const CLOSED = "2026-09";
export const TOKEN = "a-token-of-the-browser-tests-0123456789";

// Where ./test looks for secrets in what upswell said.
const log = process.env.UPSWELL_TEST_LOGS ? openSync(process.env.UPSWELL_TEST_LOGS, "a") : undefined;
const SYSTEM = { PATH: process.env.PATH, UPSWELL_LOG: "warn" };

// A book: its directory, and a command on it.
function book(directory, more) {
  const environment = {
    ...SYSTEM,
    DATABASE_URL: `sqlite://${join(directory, "upswell-demo.db")}`,
    STRIPE_WEBHOOK_SECRET: "whsec_of_the_demo",
    UPSWELL_API_TOKEN: TOKEN,
    UPSWELL_CONFIG: join(stories, "upswell.toml"),
    ...more,
  };
  const run = (...words) => execFileSync(upswell, words, { cwd: directory, env: environment, stdio: ["ignore", "pipe", log ?? "ignore"] });
  return { directory, environment, run };
}

// As the demo tells it.
export function plain(directory) {
  execFileSync(upswell, ["demo", "--once", "--dir", directory], { env: SYSTEM, stdio: ["ignore", "ignore", log ?? "ignore"] });
  return book(directory, { UPSWELL_EVIDENCE: "bytes" });
}

// The same with a reporting currency, September closed, and a customer of September of whom is heard later.
export function full(of) {
  const directory = join(of.directory, "full");
  mkdirSync(directory);
  copyFileSync(join(of.directory, "upswell-demo.db"), join(directory, "upswell-demo.db"));
  const made = book(directory, { UPSWELL_REPORTING_CURRENCY: "usd" });
  const months = Array.from({ length: 26 }, (_, month) => new Date(Date.UTC(2024, 9 + month, 0)).toISOString().slice(0, 10));
  const rates = months.map((day, index) => `${day},eur,usd,1.${String(5 + index).padStart(2, "0")}`);
  writeFileSync(join(directory, "rates.csv"), `date,from,to,rate\n${rates.join("\n")}\n`);
  made.run("fx", "rates.csv");
  made.run("close", CLOSED);
  const began = delivered((event) => event.type === "customer.subscription.created" && event.livemode);
  const late = began.line.replaceAll(/\b(sub|si|cus|evt)_(\w+)/g, "$1_Late$2").replaceAll(String(began.event.created), String(Date.UTC(2026, 8, 15) / 1000));
  writeFileSync(join(directory, "late.json"), late);
  made.run("backfill", "late.json");
  return made;
}

// A story's event, as the demo delivered it.
export function delivered(isMeant) {
  for (const file of readdirSync(stories).filter((name) => name.endsWith(".ndjson"))) {
    for (const line of readFileSync(join(stories, file), "utf8").split("\n").filter(Boolean)) {
      const event = JSON.parse(line);
      if (isMeant(event)) return { line, event };
    }
  }
  throw new Error("no story has such an event");
}

// Serves a book with a token.
export async function serve({ directory, environment }) {
  const server = spawn(upswell, ["serve", "--listen", "127.0.0.1:0"], {
    cwd: directory,
    env: environment,
    stdio: ["ignore", log ?? "ignore", "pipe"],
  });
  let said = "";
  const address = await new Promise((found, failed) => {
    server.stderr.on("data", (data) => {
      said += data;
      if (log) writeSync(log, data);
      const line = said.match(/webhooks at http:\/\/([^/\s]+)\//);
      if (line) found(line[1]);
    });
    server.on("exit", () => failed(new Error(`the server ended before it listened:\n${said}`)));
  });
  const stop = () => {
    server.removeAllListeners("exit");
    server.kill();
  };
  return { origin: `http://${address}`, stop };
}
