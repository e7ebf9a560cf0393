// The page of `thorax serve` in headless Chromium, as people use it: dropped on, read, faded, refused, on a phone, in the dark,
// by keyboard alone, and looked over by axe for those who do not see it. Nothing may be asked of another host.
//   NODE_PATH=FOLDER/node_modules node tests/serve_page.cjs URL IMAGE PICTURES [URL-WITH-TOKEN TOKEN]
// FOLDER is one in which `npm install puppeteer-core axe-core` was run. The page's pictures go to PICTURES.
"use strict";

const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(0);
}

function packageOr(name) {
  try {
    return require(name);
  } catch {
    return skip(`\`${name}\` is not in NODE_PATH`);
  }
}

function chromium() {
  for (const name of ["chromium", "chromium-browser", "google-chrome", "chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      // The next one, then.
    }
  }
  return skip("Chromium is not installed");
}

const [url, imageFile, pictures, tokenUrl, token] = process.argv.slice(2);
if (!pictures) {
  console.error("usage: serve_page.cjs URL IMAGE PICTURES [URL-WITH-TOKEN TOKEN]");
  process.exit(1);
}
const puppeteer = packageOr("puppeteer-core");
const axe = packageOr("axe-core");
const image = fs.readFileSync(imageFile);
const imageName = path.basename(imageFile);

// Every request of every page, and what pages complained of.
const asked = [];
const complaints = [];

async function open(browser, address, { width = 1200, height = 1000, mobile = false, dark = false } = {}) {
  const page = await browser.newPage();
  page.on("request", (request) => asked.push(request.url()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A refusal is an answer that pages are told of.
    if (message.type() === "error" && !/status of (401|415)/.test(message.text())) complaints.push(message.text());
  });
  await page.setViewport({ width, height, isMobile: mobile, hasTouch: mobile, deviceScaleFactor: mobile ? 2 : 1 });
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  await page.goto(address, { waitUntil: "networkidle0" });
  return page;
}

const loaded = (page) => page.waitForFunction(() => document.getElementById("name").textContent !== "");

// As if a file had been dropped on the field.
function drop(page, name, bytes) {
  return page.evaluate(
    (name, text) => {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const carried = new DataTransfer();
      carried.items.add(new File([bytes], name));
      const over = new DragEvent("dragover", { dataTransfer: carried, bubbles: true, cancelable: true });
      const field = document.getElementById("drop");
      if (field.dispatchEvent(over)) throw new Error("the field takes no drops");
      field.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
    },
    name,
    bytes.toString("base64"),
  );
}

async function press(page, selector) {
  await page.$eval(selector, (found) => found.scrollIntoView({ block: "center" }));
  await page.click(selector);
}

const text = (page, selector) => page.$eval(selector, (found) => found.textContent);
const visible = (page, selector) => page.waitForSelector(selector, { visible: true, timeout: 20_000 });
const settled = (page) =>
  page.waitForFunction(() => [...document.images].every((image) => !image.src || (image.complete && image.naturalWidth > 0)));

let pictured = 0;
async function picture(page, name) {
  await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
  pictured += 1;
}

// What axe finds wrong by WCAG 2 A and AA and by what is good practice.
async function accessible(page, where) {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() =>
    axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  for (const { id, impact, help, nodes } of violations) {
    console.log(`axe, ${where}: ${impact}: ${id}: ${help}`);
    for (const node of nodes) console.log(`  ${node.html}\n  ${node.failureSummary}`);
  }
  assert.deepEqual(violations.map(({ id }) => id), [], `axe, ${where}`);
  assert.ok(passes.length > 10, `axe looked at ${passes.length} things only`);
}

// Nothing sticks out of a page that is as narrow as this.
async function fits(page) {
  const { wide, across, out } = await page.evaluate(() => {
    const across = document.documentElement.clientWidth;
    const sticks = (found) => found.getClientRects().length > 0 && found.getBoundingClientRect().right > across + 0.5;
    const out = [...document.body.querySelectorAll("*")].filter(sticks).map((found) => found.outerHTML.slice(0, 80));
    return { wide: document.documentElement.scrollWidth, across, out };
  });
  assert.ok(wide <= across, `${wide} pixels wide where there are ${across}`);
  assert.deepEqual(out, []);
}

async function bars(page, expected) {
  await visible(page, ".bars li");
  const rows = await page.$$eval(".bars li", (rows) =>
    rows.map((row) => ({
      label: row.querySelector(".label span").textContent,
      said: parseFloat(row.querySelector(".label span:last-child").textContent),
      drawn: (100 * row.querySelector(".fill").offsetWidth) / row.querySelector(".track").clientWidth,
      best: row.classList.contains("best"),
    })),
  );
  assert.equal(rows.length, Object.keys(expected.probabilities).length);
  for (const { label, said, drawn, best } of rows) {
    const share = 100 * expected.probabilities[label];
    assert.ok(Math.abs(said - share) < 0.06, `${label}: ${said} % is said, ${share} % answered`);
    assert.ok(Math.abs(drawn - share) < 1.5, `${label}: ${drawn} % is drawn, ${share} % answered`);
    assert.equal(best, label === expected.predicted);
  }
  assert.match(await text(page, ".predicted"), new RegExp(expected.predicted));
}

async function slider(page) {
  const opacity = () => page.$eval(".heat", (heat) => Number(getComputedStyle(heat).opacity));
  await page.focus(".opacity input");
  await page.keyboard.press("Home");
  assert.equal(await opacity(), 0);
  await page.keyboard.press("ArrowRight");
  assert.ok((await opacity()) > 0);
  await page.keyboard.press("End");
  assert.equal(await opacity(), 1);
  const { x, y, width, height } = await (await page.$(".opacity input")).boundingBox();
  await page.mouse.click(x + width / 2, y + height / 2);
  assert.ok(Math.abs((await opacity()) - 0.5) < 0.05, "a click in its middle is half");
}

async function mouse(browser, expected) {
  const page = await open(browser, url);
  await loaded(page);
  assert.match(await text(page, "#notice"), /Not for clinical use/);
  await accessible(page, "before an image");
  await picture(page, "empty");
  await drop(page, imageName, image);
  await bars(page, expected);
  assert.match(await text(page, "#status"), new RegExp(expected.predicted));
  await press(page, ".explain button");
  await visible(page, ".heat");
  await settled(page);
  await slider(page);
  await press(page, "summary");
  assert.match(await text(page, "#facts"), /Preprocessing/);
  await accessible(page, "an answer");
  await press(page, "summary");
  await page.evaluate(() => window.scrollTo(0, 0));
  await picture(page, "light");
  await drop(page, "notes.txt", Buffer.from("no image"));
  await visible(page, ".error");
  assert.match(await text(page, ".error"), /is no image/);
  // The newest answer stands first, and older ones stay.
  assert.deepEqual(await page.$$eval("article h2", (names) => names.map((name) => name.textContent)), ["notes.txt", imageName]);
  await accessible(page, "an error");
  await picture(page, "error");
  await page.close();
}

async function dark(browser, expected) {
  const page = await open(browser, url, { dark: true });
  await loaded(page);
  const paper = await page.$eval("body", (body) => getComputedStyle(body).backgroundColor);
  assert.ok(paper.match(/\d+/g).every((part) => Number(part) < 60), `${paper} is not dark`);
  await drop(page, imageName, image);
  await bars(page, expected);
  await press(page, ".explain button");
  await visible(page, ".heat");
  await drop(page, "notes.txt", Buffer.from("no image"));
  await visible(page, ".error");
  await settled(page);
  await accessible(page, "dark");
  await picture(page, "dark");
  await page.close();
}

async function phone(browser, expected) {
  const page = await open(browser, url, { width: 360, height: 740, mobile: true });
  await loaded(page);
  await fits(page);
  await drop(page, `${"a name without a blank".replaceAll(" ", "_").repeat(4)}.png`, image);
  await bars(page, expected);
  await fits(page);
  await press(page, ".explain button");
  await visible(page, ".heat");
  await press(page, "summary");
  await settled(page);
  await fits(page);
  await accessible(page, "a phone");
  await picture(page, "phone");
  await page.close();
}

// With nothing but a keyboard, and the one who has the focus always to be seen.
async function keyboard(browser, expected) {
  const page = await open(browser, url);
  await loaded(page);
  async function tabTo(selector) {
    for (let presses = 0; presses < 12; presses++) {
      await page.keyboard.press("Tab");
      const [there, outline] = await page.evaluate((selector) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return [document.activeElement.matches(selector), `${outlineStyle} ${outlineWidth}`];
      }, selector);
      assert.match(outline, /^(solid|auto) [1-9]/);
      if (there) return;
    }
    assert.fail(`Tab does not come to ${selector}`);
  }
  await tabTo("#files");
  const [chooser] = await Promise.all([page.waitForFileChooser({ timeout: 5_000 }), page.keyboard.press("Enter")]);
  await chooser.accept([path.resolve(imageFile)]);
  await bars(page, expected);
  await tabTo(".explain select");
  await page.keyboard.press("ArrowDown");
  const chosen = await page.$eval(".explain select", (select) => select.value);
  await tabTo(".explain button");
  await page.keyboard.press("Enter");
  await page.waitForFunction((name) => document.querySelector(".map-note").textContent.includes(name), {}, chosen);
  assert.ok(await page.$eval(".explain button", (button) => button === document.activeElement), "the focus was lost");
  await tabTo("summary");
  await page.keyboard.press("Enter");
  assert.ok(await page.$eval("#card", (card) => card.open));
  await page.close();
}

async function locked(browser) {
  const page = await open(browser, tokenUrl);
  await visible(page, "#token");
  assert.ok(await page.$eval("#token", (field) => field === document.activeElement && field.type === "password"));
  await accessible(page, "without the token");
  await page.keyboard.type("a wrong token that is long");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("token-error").textContent.includes("not the token"));
  await page.keyboard.type(token);
  await page.keyboard.press("Enter");
  await loaded(page);
  await drop(page, imageName, image);
  await visible(page, ".bars li");
  const kept = await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length, location.href]);
  assert.deepEqual(kept, ["", 0, 0, new URL("/", tokenUrl).href]);
  await page.close();
}

async function main() {
  fs.mkdirSync(pictures, { recursive: true });
  const answer = await fetch(new URL("/v1/predict", url), { method: "POST", body: image });
  assert.equal(answer.status, 200);
  const expected = await answer.json();
  const browser = await puppeteer.launch({
    executablePath: chromium(),
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  try {
    await mouse(browser, expected);
    await dark(browser, expected);
    await phone(browser, expected);
    await keyboard(browser, expected);
    if (token) await locked(browser);
  } finally {
    await browser.close();
  }
  assert.deepEqual(complaints, []);
  const own = [url, tokenUrl].filter(Boolean).map((address) => new URL(address).origin);
  const elsewhere = asked.filter((address) => !/^(data|blob):/.test(address) && !own.includes(new URL(address).origin));
  assert.deepEqual(elsewhere, []);
  console.log(`${asked.length} requests, none elsewhere; ${pictured} pictures are in ${pictures}`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
