// The dashboard in a real browser, on the demo's business: every page, signing in, from a figure to the digest of the
// stored bytes, closing a month, printing. Nothing may be asked of another host, no console error may show, and axe
// may find nothing serious.
//
//   node dashboard.mjs [--pictures DIRECTORY]
//
// UPSWELL_BIN names the binary, CHROMIUM the browser; else target/debug/upswell and what is on the PATH.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const upswell = process.env.UPSWELL_BIN ?? join(root, "target/debug/upswell");
const stories = join(root, "fixtures/stories");
const MONTH = "2026-10";
const TOKEN = "a-token-of-the-browser-tests-0123456789";
// Where ./test looks for secrets in what upswell said.
const log = process.env.UPSWELL_TEST_LOGS ? openSync(process.env.UPSWELL_TEST_LOGS, "a") : undefined;
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

function onPath(names) {
  const places = (process.env.PATH ?? "").split(delimiter);
  const found = names.flatMap((name) => places.map((place) => join(place, name))).find((path) => existsSync(path));
  assert(found, `there is none of ${names.join(", ")} on the PATH; install Chromium, or name it in CHROMIUM`);
  return found;
}

// The demo's store, served with a token.
async function serve(directory) {
  const environment = { PATH: process.env.PATH, UPSWELL_LOG: "warn" };
  execFileSync(upswell, ["demo", "--once", "--dir", directory], {
    env: environment,
    stdio: ["ignore", "ignore", log ?? "ignore"],
  });
  const server = spawn(upswell, ["serve", "--listen", "127.0.0.1:0"], {
    cwd: directory,
    env: {
      ...environment,
      DATABASE_URL: `sqlite://${join(directory, "upswell-demo.db")}`,
      STRIPE_WEBHOOK_SECRET: "whsec_of_the_demo",
      UPSWELL_API_TOKEN: TOKEN,
      UPSWELL_CONFIG: join(stories, "upswell.toml"),
    },
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
  return { server, origin: `http://${address}` };
}

// What no page may do is collected from every page.
function watch(context, origin, faults) {
  context.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith("data:")) faults.push(`a request to ${request.url()}`);
  });
  context.on("page", (page) => {
    page.on("pageerror", (error) => faults.push(`${page.url()}: ${error}`));
    page.on("console", (message) => {
      // A page that is refused on purpose is told as an error of the network.
      const isRefusal = /status of (401|404|409)/.test(message.text());
      if (message.type() === "error" && !isRefusal) faults.push(`${page.url()}: ${message.text()}`);
    });
  });
}

async function step(name, act) {
  const begun = performance.now();
  await act();
  console.log(`  ${name} (${Math.round(performance.now() - begun)} ms)`);
}

// The bytes of a story's event, as the demo delivered them.
function delivered(event) {
  for (const file of readdirSync(stories).filter((name) => name.endsWith(".ndjson"))) {
    const lines = readFileSync(join(stories, file), "utf8").split("\n").filter(Boolean);
    const line = lines.find((line) => JSON.parse(line).id === event);
    if (line) return line;
  }
  assert.fail(`${event} is in no story`);
}

async function signIn(page, origin) {
  const answer = await page.goto(`${origin}/movements?month=${MONTH}`);
  assert.equal(new URL(page.url()).pathname, "/sign-in");
  assert.equal(answer.status(), 200);
  await page.getByLabel("Token").fill("a wrong one");
  await page.getByRole("button", { name: "Sign in" }).click();
  assert.match(await page.getByRole("alert").innerText(), /none of the tokens/);
  await page.getByLabel("Token").fill(TOKEN);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${origin}/movements?month=${MONTH}`);
  const [cookie, ...others] = await page.context().cookies();
  assert.deepEqual(others, []);
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, "Strict", "/"]);
  assert(!cookie.value.includes(TOKEN) && cookie.value.length > 64);
  assert(cookie.expires - Date.now() / 1000 < 13 * 3600);
}

async function drillDown(page, origin) {
  await page.goto(`${origin}/`);
  assert.equal((await page.getByRole("heading", { level: 1 }).innerText()).startsWith("Expansion report"), true);
  await page.goto(`${origin}/months/${MONTH}`);
  const tile = page.locator(".tiles li").filter({ hasText: "Core expansion" }).first();
  await tile.getByRole("link").click();
  assert.match(page.url(), /\/movements\?month=2026-10&class=expansion&currency=/);
  const rows = await page.locator("tbody tr").count();
  assert(rows > 0);
  await page.locator("tbody tr").first().getByRole("link").first().click();
  assert.match(page.url(), /\/explain\/mv_/);
  const digest = await page.locator("code.digest").first().innerText();
  const evidence = page.locator("section").filter({ has: page.getByRole("heading", { name: "The evidence" }) });
  const event = await evidence.getByRole("link").innerText();
  await evidence.getByRole("link").click();
  const stored = await page.locator("code.digest").first().innerText();
  assert.equal(stored, digest);
  assert.equal(stored, createHash("sha256").update(delivered(event)).digest("hex"), "the digest of what was sent");
  const signed = page.locator("dt", { hasText: "Signed" }).first().locator("xpath=following-sibling::dd[1]");
  assert.match(await signed.innerText(), /^\d{4}-\d\d-\d\dT/);
}

async function customers(page, origin) {
  await page.goto(`${origin}/customers?month=${MONTH}`);
  const link = page.locator("tbody tr").first().getByRole("link");
  const id = await link.innerText();
  await link.click();
  assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), id);
  assert.equal(await page.locator("figure svg path.line").count(), 1);
  await page.getByRole("searchbox").fill(id);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${origin}/customers/${id}`);
  await page.getByRole("searchbox").fill(id.slice(0, 5));
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: id, exact: true }).waitFor();
}

async function keyboard(page, origin) {
  await page.goto(`${origin}/months`);
  await page.keyboard.press("Tab");
  assert.equal(await page.locator(":focus").innerText(), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.locator(":focus").getAttribute("id"), "main");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  assert.match((await page.locator(":focus").getAttribute("href")) ?? "", /^\/months\//);
}

async function closing(page, origin) {
  await page.goto(`${origin}/months/${MONTH}`);
  await page.getByRole("link", { name: "Close this month" }).click();
  assert((await page.locator(".checks li").count()) >= 8);
  assert.equal(await page.locator(".checks .stop").count(), 0);
  await page.getByRole("button", { name: `Close ${MONTH}` }).click();
  await page.getByRole("heading", { name: `${MONTH} is closed` }).waitFor();
  assert.match(await page.locator("#digest").innerText(), /^[0-9a-f]{64}$/);
  await page.getByRole("link", { name: "The report" }).click();
  await page.getByRole("link", { name: "Closed: digest" }).click();
  await page.getByLabel("Why").fill("A browser test closed it");
  await page.getByRole("button", { name: `Open ${MONTH} again` }).click();
  await page.getByText("A browser test closed it").waitFor();
  await page.getByRole("button", { name: `Close ${MONTH}` }).waitFor();
}

async function printing(page, origin) {
  await page.goto(`${origin}/months/${MONTH}`);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".bar").isVisible(), false, "the frame is not printed");
  assert.equal(await page.locator("h1").isVisible(), true);
  const pdf = await page.pdf({ format: "A4", margin: { top: "15mm", bottom: "15mm", left: "12mm", right: "12mm" } });
  assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
  const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
  assert(pages >= 1 && pages <= 30, `${pages} pages`);
  await page.emulateMedia({ media: "screen" });
}

// A message with a link: its page is of another site, to which a strict cookie is not shown.
async function fromElsewhere(page, origin) {
  await page.goto(`data:text/html,<a href="${origin}/months/${MONTH}">October is ready</a>`);
  await page.getByRole("link").click();
  await page.getByRole("heading", { name: `Expansion report ${MONTH}` }).waitFor();
  assert.equal(page.url(), `${origin}/months/${MONTH}`);
}

async function signOut(page, origin) {
  const [{ name, value }] = await page.context().cookies();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${origin}/sign-in`);
  assert.deepEqual(await page.context().cookies(), []);
  const answer = await fetch(`${origin}/months`, { headers: { cookie: `${name}=${value}` }, redirect: "manual" });
  assert.equal(answer.status, 401, "a session that was ended is none, whoever kept it");
}

// Pages of every kind, with what is on them.
async function addresses(page, origin) {
  await page.goto(`${origin}/movements?month=${MONTH}`);
  const href = (index) => page.locator("tbody tr").first().getByRole("link").nth(index).getAttribute("href");
  const [movement, customer] = [await href(0), await href(1)];
  await page.goto(origin + movement);
  const event = await page.locator("section").filter({ hasText: "The evidence" }).last().getByRole("link").getAttribute("href");
  return {
    months: "/months",
    month: `/months/${MONTH}`,
    view: `/months/${MONTH}?view=finance`,
    close: `/months/${MONTH}/close`,
    customers: `/customers?month=${MONTH}`,
    customer,
    movements: `/movements?month=${MONTH}`,
    movement,
    event,
    told: customer.replace("/customers/", "/explain/"),
    exceptions: "/exceptions",
    imports: "/imports",
    search: "/search?q=cus_",
    nothing: "/nothing-here",
    signIn: "/sign-in?next=/months",
  };
}

async function inspect(page, origin, pages, width) {
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(origin + path);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert(over <= 0, `${name} is ${over} px wider than ${width}`);
    assert.equal(await page.locator("script").count(), 0, name);
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    const serious = found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    const told = serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html).join(" ")}`);
    assert.deepEqual(told, [], `${name} at ${width}`);
  }
}

async function pictures(page, origin, pages, directory) {
  mkdirSync(directory, { recursive: true });
  for (const name of ["month", "months", "movements", "customer", "movement", "close", "exceptions"]) {
    await page.goto(origin + pages[name]);
    await page.screenshot({ path: join(directory, `${name}.png`) });
  }
  await page.setViewportSize(PHONE);
  await page.goto(origin + pages.month);
  await page.screenshot({ path: join(directory, "phone.png") });
}

async function run(browser, origin, wanted) {
  const faults = [];
  const plain = await browser.newContext({ viewport: DESKTOP, javaScriptEnabled: false });
  watch(plain, origin, faults);
  const page = await plain.newPage();
  for (const [name, act] of Object.entries({ signIn, drillDown, customers, keyboard, closing })) {
    await step(`${name}, without JavaScript`, () => act(page, origin));
  }
  await step("printing", () => printing(page, origin));
  const session = await plain.cookies();
  const pages = await addresses(page, origin);
  for (const [viewport, colorScheme] of [[DESKTOP, "light"], [PHONE, "dark"]]) {
    const context = await browser.newContext({ viewport, colorScheme });
    watch(context, origin, faults);
    const anonymous = await context.newPage();
    await inspect(anonymous, origin, { signIn: pages.signIn }, viewport.width);
    await context.addCookies(session);
    const { signIn: _, ...others } = pages;
    await step(`${Object.keys(pages).length} pages at ${viewport.width} px, ${colorScheme}, by axe`, () =>
      inspect(anonymous, origin, others, viewport.width));
    await context.close();
  }
  if (wanted) {
    const context = await browser.newContext({ viewport: { width: 1160, height: 720 }, colorScheme: "light" });
    await context.addCookies(session);
    await step("pictures", async () => pictures(await context.newPage(), origin, pages, wanted));
  }
  await step("fromElsewhere, without JavaScript", () => fromElsewhere(page, origin));
  await step("signOut, without JavaScript", () => signOut(page, origin));
  assert.deepEqual(faults, []);
}

const at = process.argv.indexOf("--pictures");
const wanted = at > 0 ? resolve(process.argv[at + 1]) : undefined;
const directory = mkdtempSync(join(tmpdir(), "upswell-browser-"));
let serving;
let browser;
try {
  serving = await serve(directory);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? onPath(["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]),
    args: ["--no-sandbox", "--disable-quic", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  await run(browser, serving.origin, wanted);
  console.log("browser: every page is as it should be");
} finally {
  await browser?.close();
  serving?.server.removeAllListeners("exit");
  serving?.server.kill();
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
