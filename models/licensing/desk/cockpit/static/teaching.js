// Guess first, then see: what comes of a view is covered until somebody has said which strategy pays most.

import { amount, el } from "./drawing.js";

const $ = (id) => document.getElementById(id);

export class Lesson {
  constructor(titles) {
    this.titles = titles;        // of the strategies, by name
    this.is_on = false;
    this.seen = null;            // the assumptions that were guessed at
    this.right = this.asked = 0;
    this.guess = null;           // what was said, until all strategies are known
    $("guess").addEventListener("submit", (event) => { event.preventDefault(); this.say($("guessed").value); });
  }

  turn(values) {
    this.is_on = !this.is_on;
    this.seen = this.guess = this.here = null;
    this.right = this.asked = 0;
    $("lesson").textContent = "";
    $("teach").setAttribute("aria-pressed", String(this.is_on));
    this.at(values);
    if (this.is_on) $("guessed").focus();
  }

  // The assumptions have changed, or may have: what comes of new ones is covered.
  at(values) {
    const here = JSON.stringify(Object.entries(values).sort());
    const is_covered = this.is_on && here !== this.seen;
    if (is_covered && here !== this.here) {
      $("guessed").replaceChildren(...Object.entries(this.titles).map(([name, title]) => el("option", { value: name }, title)));
      const changed = Object.keys(values).length;
      $("asked").textContent = changed ? `With ${changed} ${changed > 1 ? "numbers" : "number"} changed, which strategy pays the leader most?`
        : "At the stated numbers, which strategy pays the leader most?";
      $("lesson").textContent = "";
      this.guess = null;
    }
    this.here = here;
    $("guess").hidden = !is_covered;
    $("result").classList.toggle("covered", is_covered);
    return is_covered;
  }

  say(name) {
    this.guess = name;
    this.seen = this.here;
    $("guess").hidden = true;
    $("result").classList.remove("covered");
    $("lesson").textContent = "Looking at all strategies …";
    this.judge(this.ranking ?? []);
  }

  // The named strategies at these assumptions; judged once all of them are known.
  judge(ranking) {
    this.ranking = ranking;
    if (!this.guess || ranking.length < Object.keys(this.titles).length) return;
    const best = ranking.reduce((one, other) => (other.value > one.value ? other : one));
    const mine = ranking.find((one) => one.strategy === this.guess);
    // What differs by less than a thousandth ties.
    const behind = best.value - mine.value, is_right = behind <= 1e-3 * Math.abs(best.value);
    this.asked += 1;
    this.right += is_right ? 1 : 0;
    this.guess = null;
    $("lesson").textContent = `${is_right ? "Right" : "No"}: ${best.title} pays most, ${amount(best.value)} million USD`
      + `${is_right ? "" : `; ${mine.title}, your guess, is ${amount(behind)} behind`}. ${this.right} of ${this.asked} right. Why: the terms below.`;
  }
}
