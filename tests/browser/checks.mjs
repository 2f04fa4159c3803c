// What holds of every page, whoever made it: nothing is asked of another host, no error shows, axe finds nothing serious,
// nothing is wider than what it stands in; and of every print, that nothing of the page is missing in it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// A4 with margins, and what is left between them at 96 dots an inch.
const MARGIN = { top: "15mm", bottom: "15mm", left: "12mm", right: "12mm" };
const dots = (millimetres) => Math.floor((millimetres / 25.4) * 96);
const PRINTED = { width: dots(210 - 24), height: dots(297 - 30) };
// What a run of months is laid out for.
export const LANDSCAPE = { width: dots(297 - 24), height: dots(210 - 30) };

// What no page may do is collected from every page.
export function watch(context, begins, faults) {
  context.on("request", (request) => {
    if (!request.url().startsWith(begins) && !request.url().startsWith("data:")) faults.push(`a request to ${request.url()}`);
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

export async function step(name, act) {
  const begun = performance.now();
  await act();
  console.log(`  ${name} (${Math.round(performance.now() - begun)} ms)`);
}

export async function accessible(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html).join(" ")}`);
  assert.deepEqual(told, [], name);
}

export async function fits(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert(over <= 0, `${name} is ${over} px too wide`);
}

// The page as it is printed: by axe, and no box of it wider than its frame, for paper does not scroll.
export async function onPaper(page, name, paper = PRINTED) {
  const screen = page.viewportSize();
  await page.setViewportSize(paper);
  await page.emulateMedia({ media: "print", colorScheme: "light" });
  await fits(page, `${name} on paper`);
  const wider = await page.evaluate(() => {
    const boxes = [...document.querySelectorAll("main section, main figure, .tiles li")];
    const told = (box) => box.querySelector("h3, figcaption b, .name")?.textContent ?? box.className;
    return boxes.filter((box) => box.scrollWidth > box.clientWidth + 1).map(told);
  });
  assert.deepEqual(wider, [], `${name} on paper: wider than their frames`);
  await accessible(page, `${name} on paper`);
  await page.setViewportSize(screen);
  await page.emulateMedia({ media: null });
}

// Text without blanks, for a line may end anywhere.
const bare = (text) => text.replace(/\s+/g, "");

// The page as a PDF: every page of it has text, and every title and what else is named is in it.
export async function asPdf(page, name, named, paper = PRINTED) {
  const titles = await page.locator("main :is(h1, h2, h3, figcaption b)").allInnerTexts();
  assert(titles.length > 3, `${name} has ${titles.length} titles`);
  const pdf = await page.pdf({ format: "A4", margin: MARGIN, landscape: paper === LANDSCAPE });
  assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
  const pages = execFileSync("pdftotext", ["-layout", "-", "-"], { input: pdf, maxBuffer: 1 << 26 })
    .toString()
    .split("\f")
    .slice(0, -1);
  assert(pages.length >= 1 && pages.length <= 60, `${name}: ${pages.length} pages`);
  pages.forEach((text, index) => assert(bare(text).length > 20, `${name}: page ${index + 1} is blank`));
  const text = bare(pages.join(""));
  for (const wanted of [...titles, ...named]) {
    // Titles in capitals are so by style, on paper too.
    const isThere = text.toLowerCase().includes(bare(wanted).toLowerCase());
    assert(isThere, `${name}: “${wanted}” is not on paper`);
  }
  return pdf;
}
