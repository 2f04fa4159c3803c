// The dashboard in a real browser, on the demo's business: every page, signing in, from a figure to the digest of the
// stored bytes, closing a month, printing. Nothing may be asked of another host, no console error may show, and axe
// may find nothing serious.
//
//   node dashboard.mjs [--pictures DIRECTORY]
//
// UPSWELL_BIN names the binary, CHROMIUM the browser; else target/debug/upswell and what is on the PATH.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { CLOSED, MONTH, TOKEN, delivered, full, plain, serve } from "./books.mjs";
import { accessible, asPdf, fits, onPaper, step, watch } from "./checks.mjs";
import { files } from "./report_file.mjs";

const VIEWS = ["sales", "marketing", "finance", "executive", "owner"];
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

function onPath(names) {
  const places = (process.env.PATH ?? "").split(delimiter);
  const found = names.flatMap((name) => places.map((place) => join(place, name))).find((path) => existsSync(path));
  assert(found, `there is none of ${names.join(", ")} on the PATH; install Chromium, or name it in CHROMIUM`);
  return found;
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

// An amount as it is printed, in hundredths.
const hundredths = (printed) => Number(printed.replace(/ .*/, "").replace(/[^0-9-]/g, ""));

// From each tile that leads to movements: the list shows the tile's figure, and where that is their sum, its rows come to it.
async function tiles(page, origin) {
  let summed = 0;
  for (const view of VIEWS) {
    const month = `${origin}/months/${MONTH}?view=${view}`;
    await page.goto(month);
    const leading = page.locator(".tiles li a[href^='/movements?']");
    for (let at = 0; at < (await leading.count()); at += 1) {
      const printed = await leading.nth(at).innerText();
      await leading.nth(at).click();
      const figure = page.locator(".behind tbody tr").filter({ hasText: printed }).first();
      await figure.waitFor();
      const standing = await figure.locator("td").nth(2).innerText();
      if (standing === "their sum" && hundredths(printed) !== 0) {
        const sum = await page.locator("b.sum").innerText();
        const rows = await page.locator("section[aria-label=Movements] tbody tr td:nth-child(3) a").allInnerTexts();
        assert.equal(hundredths(sum), hundredths(printed), `${view}: ${sum} for the tile's ${printed}`);
        assert.equal(rows.map(hundredths).reduce((one, other) => one + other, 0), hundredths(printed), `${view}: the rows`);
        summed += 1;
      }
      await page.goto(month);
    }
  }
  assert(summed >= 6, `${summed} tiles are sums of what they lead to`);
}

async function drillDown(page, origin) {
  await page.goto(`${origin}/`);
  assert.equal((await page.getByRole("heading", { level: 1 }).innerText()).startsWith("Expansion report"), true);
  await page.goto(`${origin}/months/${MONTH}`);
  const tile = page.locator(".tiles li").filter({ hasText: "Core expansion" }).first();
  await tile.getByRole("link").click();
  assert.match(page.url(), /\/movements\?month=2026-10&class=expansion&kind=core&currency=/);
  await page.locator("section[aria-label=Movements] tbody tr").first().getByRole("link").first().click();
  assert.match(page.url(), /\/explain\/mv_/);
  const digest = await page.locator("code.digest").first().innerText();
  const evidence = page.locator("section").filter({ has: page.getByRole("heading", { name: "The evidence" }) });
  const event = await evidence.getByRole("link").innerText();
  await evidence.getByRole("link").click();
  assert.equal(await page.locator("code.digest").first().innerText(), digest);
  const signed = page.locator("dt", { hasText: "Signed" }).first().locator("xpath=following-sibling::dd[1]");
  assert.match(await signed.innerText(), /^\d{4}-\d\d-\d\dT/);
  const bytes = await taken(page, page.getByRole("link", { name: "Download the stored bytes" }), `${event}.json`);
  assert.equal(createHash("sha256").update(bytes).digest("hex"), digest, "the digest is that of what is stored");
  assert.equal(bytes.toString(), delivered(({ id }) => id === event).line, "and what is stored is what was sent");
}

// What a browser saves when a link is followed.
async function taken(page, link, name) {
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  assert.equal(download.suggestedFilename(), name);
  return readFileSync(await download.path());
}

async function downloads(page, origin) {
  await page.goto(`${origin}/months/${MONTH}?view=finance`);
  for (const [form, begins] of Object.entries({ html: "<!doctype html>", xlsx: "PK", csv: "month,", zip: "PK", json: "{", md: "# " })) {
    const bytes = await taken(page, page.getByRole("link", { name: form, exact: true }), `expansion-report-${MONTH}.${form}`);
    assert.equal(bytes.subarray(0, begins.length).toString().toLowerCase(), begins.toLowerCase(), form);
  }
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
  const tile = page.locator(".tiles li").filter({ hasText: "Ending MRR" }).first();
  await asPdf(page, "month", [await tile.locator(".value").innerText()]);
  await page.emulateMedia({ media: "print" });
  for (const gone of [".bar", ".ways", "footer"]) {
    assert.equal(await page.locator(gone).first().isVisible(), false, `${gone} is not printed`);
  }
  assert.equal(await page.locator("h1").isVisible(), true);
  await page.emulateMedia({ media: null });
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
  const href = (index) => page.locator("section[aria-label=Movements] tbody tr").first().getByRole("link").nth(index).getAttribute("href");
  const [movement, customer] = [await href(0), await href(1)];
  await page.goto(origin + movement);
  const event = await page.locator("section").filter({ hasText: "The evidence" }).last().getByRole("link").getAttribute("href");
  return {
    months: "/months",
    month: `/months/${MONTH}`,
    ...Object.fromEntries(VIEWS.map((view) => [view, `/months/${MONTH}?view=${view}`])),
    close: `/months/${MONTH}/close`,
    customers: `/customers?month=${MONTH}`,
    cohort: `/customers?month=${MONTH}&since=2026-06`,
    segment: `/customers?month=${MONTH}&by=owner&segment=north`,
    customer,
    movements: `/movements?month=${MONTH}`,
    core: `/movements?month=${MONTH}&class=expansion&kind=core&currency=usd`,
    movement,
    event,
    told: customer.replace("/customers/", "/explain/"),
    exceptions: "/exceptions",
    imports: "/imports",
    search: "/search?q=cus_",
    nothing: "/nothing-here",
  };
}

async function inspect(page, origin, pages, width) {
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(origin + path);
    await fits(page, `${name} at ${width}`);
    assert.equal(await page.locator("script").count(), 0, name);
    await accessible(page, `${name} at ${width}`);
  }
}

// Looks at pages in a wide window in the light, in a phone's in the dark, and those of months on paper.
async function lookAt(browser, origin, session, pages, faults) {
  for (const [viewport, colorScheme] of [[DESKTOP, "light"], [PHONE, "dark"]]) {
    const context = await browser.newContext({ viewport, colorScheme });
    watch(context, `${origin}/`, faults);
    const page = await context.newPage();
    await inspect(page, origin, { "sign-in": "/sign-in?next=/months" }, viewport.width);
    await context.addCookies(session);
    await step(`${Object.keys(pages).length} pages at ${viewport.width} px, ${colorScheme}, by axe`, () =>
      inspect(page, origin, pages, viewport.width));
    if (colorScheme === "light") {
      const printed = Object.entries(pages).filter(([, path]) => /^\/months\/\d{4}-\d\d($|\?)/.test(path));
      await step(`${printed.length} of months on paper`, async () => {
        for (const [name, path] of printed) {
          await page.goto(origin + path);
          await onPaper(page, name);
        }
      });
    }
    await context.close();
  }
}

async function pictures(page, origin, pages, directory) {
  mkdirSync(directory, { recursive: true });
  const { width, height } = page.viewportSize();
  for (const name of ["month", "months", "core", "customer", "movement", "close", "exceptions"]) {
    await page.goto(origin + pages[name]);
    // A month is shown with its first chart.
    const chart = name === "month" ? await page.locator("figure").first().boundingBox() : undefined;
    await page.setViewportSize({ width, height: chart ? Math.ceil(chart.y + chart.height + 20) : height });
    await page.screenshot({ path: join(directory, name === "core" ? "movements.png" : `${name}.png`) });
  }
  await page.setViewportSize(PHONE);
  await page.goto(origin + pages.month);
  await page.screenshot({ path: join(directory, "phone.png") });
}

// The book that has a reporting currency, a closed month and what was heard too late.
async function fullBook(browser, origin, faults) {
  const context = await browser.newContext({ viewport: DESKTOP });
  watch(context, `${origin}/`, faults);
  const page = await context.newPage();
  await page.goto(`${origin}/sign-in`);
  await page.getByLabel("Token").fill(TOKEN);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  await page.goto(`${origin}/months/${CLOSED}?restated=true`);
  await page.getByRole("heading", { name: "From reported to restated" }).first().waitFor();
  await page.goto(`${origin}/months/${MONTH}?view=finance`);
  await page.getByRole("heading", { name: "Consolidated in USD" }).waitFor();
  const tile = page.locator(".tiles li").filter({ hasText: "Prior period", has: page.getByRole("link") }).first();
  const adjusted = await tile.getByRole("link").innerText();
  await tile.getByRole("link").click();
  const table = page.locator(`[id="${new URL(page.url()).hash.slice(1)}"] tbody`);
  const listed = await table.locator("tr:not(.total) td:nth-child(6)").allInnerTexts();
  const sum = listed.map(hundredths).reduce((one, other) => one + other, 0);
  assert.ok(listed.length > 0);
  assert.equal(sum, hundredths(adjusted), "the adjustments come to the tile");
  assert.equal(await table.locator("tr.total td:nth-child(6)").innerText(), adjusted);
  const session = await context.cookies();
  await context.close();
  const pages = {
    reported: `/months/${CLOSED}`,
    restated: `/months/${CLOSED}?restated=true`,
    restatedFinance: `/months/${CLOSED}?restated=true&view=finance`,
    consolidated: `/months/${MONTH}`,
    ...Object.fromEntries(VIEWS.map((view) => [`consolidated ${view}`, `/months/${MONTH}?view=${view}`])),
    closing: `/months/${CLOSED}/close`,
    movements: `/movements?month=${CLOSED}&class=expansion&restated=true`,
    months: "/months",
  };
  await lookAt(browser, origin, session, pages, faults);
}

async function run(browser, books, [origin, fullOrigin], wanted) {
  const faults = [];
  const context = await browser.newContext({ viewport: DESKTOP, javaScriptEnabled: false });
  watch(context, `${origin}/`, faults);
  const page = await context.newPage();
  for (const [name, act] of Object.entries({ signIn, tiles, drillDown, downloads, customers, keyboard, closing })) {
    await step(`${name}, without JavaScript`, () => act(page, origin));
  }
  await step("printing", () => printing(page, origin));
  const session = await context.cookies();
  const pages = await addresses(page, origin);
  await lookAt(browser, origin, session, pages, faults);
  await step("the book with everything", () => fullBook(browser, fullOrigin, faults));
  await files(browser, ...books, faults);
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
const serving = [];
let browser;
try {
  const one = plain(directory);
  const other = full(one);
  for (const book of [one, other]) serving.push(await serve(book));
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? onPath(["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]),
    args: ["--no-sandbox", "--disable-quic", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  await run(browser, [one, other], serving.map(({ origin }) => origin), wanted);
  console.log("browser: every page is as it should be");
} finally {
  await browser?.close();
  for (const { stop } of serving) stop();
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
