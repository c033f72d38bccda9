// SPDX-License-Identifier: MIT
import { ask, by, icon, say, why } from "./dom.js";
import { bytes, count, plural, sentence, short } from "./format.js";
import { preference } from "./settings.js";

const tellEvery = 10_000;
const undoFor = 10_000;

/** The words for how much of the stream the program sends. @type {Record<string, string>} */
const paces = {
  live: "Live", coalesced: "Live, coalesced to 250 ms", sampled: "Sampled: errors, slow operations and repeats only", summary: "Summary: this page is far behind and shows numbers only",
};

/** The state of the connection, and what acts on the stream: pause, clear, record. Pausing the view stops no recording. */
export class Toolbar {
  /**
   * @param {import("./store.js").Store} store @param {import("./live.js").Live} live
   * @param {{paint: () => void, thaw: () => void, freeze: () => void}} view
   */
  constructor(store, live, view) {
    this.store = store;
    this.view = view;
    this.paused = false;
    this.recording = true;
    this.began = 0; // operations when the pause began
    this.told = 0;
    this.welcome = /** @type {any} */ ({});
    this.pause = this.pause.bind(this);
    this.record = this.record.bind(this);
    this.clear = this.clear.bind(this);
    by("pause").onclick = this.pause;
    by("record").onclick = this.record;
    by("clear").onclick = this.clear;
    by("pause").prepend(icon("pause"));
    live.addEventListener("state", (e) => this.state(/** @type {CustomEvent} */ (e).detail));
    live.addEventListener("frame", (e) => this.frame(/** @type {CustomEvent} */ (e).detail));
    this.tell();
  }

  /** Draws, unless the view stands still. @param {() => void} draw */
  unless(draw) {
    if (!this.paused) draw();
  }

  /** @param {{state: string, text: string}} now */
  state({ state, text }) {
    const el = by("conn");
    if (el.dataset.state === "down" && state === "live") say("Connected again");
    el.dataset.state = state;
    by("conntext").textContent = text;
    el.title = text;
    if (state !== "live") by("rate").textContent = "";
  }

  /** @param {any} frame */
  frame(frame) {
    if (frame.type === "welcome") {
      this.welcome = frame;
      this.recording = frame.recording;
      by("level").textContent = `level ${frame.level}`;
    }
    if (frame.type === "problem") {
      by("problem").textContent = sentence(frame.message);
      by("problem").hidden = false;
    }
    if (frame.type === "backfill") by("problem").hidden = true;
    if (frame.type === "stats") this.stats(frame);
  }

  /** @param {any} s */
  stats(s) {
    this.recording = s.recording;
    by("rate").textContent = `${s.rate < 10 ? s.rate.toFixed(1) : Math.round(s.rate)}/s`;
    by("buffer").textContent = [plural(s.operations, "operation"), `${count(this.store.operations.size)} here`, s.evicted ? `${count(s.evicted)} evicted` : "", bytes(s.bytes), `seq ${count(s.last)}`].filter(Boolean).join(" · ");
    this.recorded();
    this.repeated();
    const el = by("conn");
    if (el.dataset.state !== "live" && el.dataset.state !== "slow") return;
    el.dataset.state = s.pace === "live" ? "live" : "slow";
    by("conntext").textContent = (paces[s.pace] ?? s.pace).split(":")[0];
    el.title = `${paces[s.pace] ?? s.pace}${s.lag_us > 100_000 ? `, ${Math.round(s.lag_us / 1000)} ms behind` : ""}`;
  }

  /** Counts what the listed HTTP requests asked more than once: exactly, and with other values. */
  repeated() {
    let exact = 0;
    let alike = 0;
    for (const { request: q } of this.store.groups.values()) {
      if (q.updated <= this.store.hidden) continue;
      exact += q.duplicates;
      alike += q.similar;
    }
    const el = by("repeatcount");
    el.textContent = exact || alike ? `${short(exact)} · ${short(alike)}` : "";
    el.title = `of the operations listed, ${count(exact)} repeat an earlier one of their HTTP request exactly, and ${count(alike)} with other values`;
  }

  /** Shows whether operations are kept, and what the button does next. */
  recorded() {
    by("record").textContent = this.recording ? "Stop recording" : "Start recording";
    by("record").title = this.recording ? "stop keeping operations, for everybody; traces and counters go on (Shift+P)" : "keep operations again (Shift+P)";
    by("stopped").hidden = this.recording;
  }

  /** Counts what came while the view stands still. */
  counted() {
    if (this.paused) by("waiting").textContent = count(Math.max(0, this.store.operations.size - this.began));
  }

  pause() {
    if (!this.paused) this.view.freeze();
    this.paused = !this.paused;
    by("pause").setAttribute("aria-pressed", String(this.paused));
    by("pausetext").textContent = this.paused ? "Go on" : "Pause";
    by("waiting").textContent = "";
    if (!this.paused) this.view.thaw();
  }

  async record() {
    try {
      await ask("recording", { method: "POST", body: JSON.stringify({ on: !this.recording }) });
      this.recording = !this.recording;
      this.recorded();
      this.view.paint();
    } catch (e) {
      say(why(e));
    }
  }

  /** Hides what is there; undo brings it back. */
  clear() {
    const before = this.store.hidden;
    const hide = (/** @type {number} */ seq) => {
      this.store.hidden = seq;
      this.store.changed();
    };
    hide(this.store.last);
    const undo = by("undo");
    undo.hidden = false;
    undo.onclick = () => { hide(before); undo.hidden = true; };
    setTimeout(() => { undo.hidden = true; }, undoFor);
  }

  /** Says, where asked for, how many operations came. */
  tell() {
    setInterval(() => {
      const n = this.store.last;
      const region = document.getElementById("news");
      if (preference("tell") && region && n > this.told && !document.hidden) {
        const fresh = this.store.sequence.filter((op) => op.updated > this.told && op.state !== "running");
        region.textContent = `${plural(fresh.length, "new operation")}, ${plural(fresh.filter((op) => op.result?.error).length, "error")}`;
      }
      this.told = n;
    }, tellEvery);
  }

  /** What the settings say of the program. */
  about() {
    const w = this.welcome;
    return { version: w.version || "–", epoch: this.store.epoch || "–", level: w.level || "–", limits: w.limits ? `${count(w.limits.operations)} operations or ${bytes(w.limits.bytes)}` : "–" };
  }
}
