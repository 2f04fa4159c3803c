// The report as a file of its own, opened from the disk: it asks nobody for anything, reads well in the light, in the dark
// and on paper, and what is folded on the screen is unfolded there.
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { CLOSED, MONTH } from "./books.mjs";
import { LANDSCAPE, accessible, asPdf, fits, onPaper, step, watch } from "./checks.mjs";

const VIEWS = ["sales", "marketing", "finance", "executive", "owner"];

// What is written to a file, and looked at there.
const reports = (plain, full) => [
  { name: "everything", book: plain, words: ["--month", MONTH], isWhole: true },
  ...VIEWS.map((view) => ({ name: view, book: plain, words: ["--month", MONTH, "--view", view] })),
  { name: "consolidated, with what was late", book: full, words: ["--month", MONTH], isWhole: true },
  { name: "closed, as reported", book: full, words: ["--month", CLOSED], isWhole: true },
  { name: "closed, as known now", book: full, words: ["--month", CLOSED, "--restated"], isWhole: true },
  { name: "months side by side", book: plain, words: ["--from", "2026-05", "--to", MONTH], paper: LANDSCAPE },
  { name: "twelve months, consolidated", book: full, words: ["--month", MONTH, "--trailing"], paper: LANDSCAPE },
];

async function look(browser, { name, book, words, isWhole, paper }, faults) {
  const path = join(book.directory, "report.html");
  book.run("report", ...words, "--format", "html", "-o", path);
  const url = pathToFileURL(path).href;
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme });
    watch(context, url, faults);
    const page = await context.newPage();
    await page.goto(url);
    assert.equal(await page.locator("script, link, a[href], img").count(), 0, `${name} leads out of its file`);
    await fits(page, name);
    await accessible(page, `${name}, ${colorScheme}`);
    if (colorScheme === "light") {
      await onPaper(page, name, paper);
      await asPdf(page, name, await onEveryPaper(page, isWhole), paper);
    }
    await context.close();
  }
}

// What has to be on paper beside the titles: what MRR came to, and the last of the movements, which are folded.
async function onEveryPaper(page, isWhole) {
  if (!isWhole) return [];
  const tile = page.locator(".tiles li").filter({ hasText: "Ending MRR" }).first();
  const register = page.locator(".register tbody tr");
  assert(!(await register.last().isVisible()), "the movements are folded on the screen");
  // When, whose, how much; what is longer may stand in several lines of its cell.
  const cells = await register.last().locator("td").allTextContents();
  const amount = await register.last().locator("td.number").last().textContent();
  return [await tile.locator(".value").innerText(), cells[0], cells[1], amount];
}

export async function files(browser, plain, full, faults) {
  for (const report of reports(plain, full)) {
    await step(`the file of ${report.name}: light, dark, paper, PDF`, () => look(browser, report, faults));
  }
}
