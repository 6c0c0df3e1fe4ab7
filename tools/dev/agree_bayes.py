#!/usr/bin/env python3
"""Bayes against Bayes: Debian's SpamAssassin and `ringpost filter` learn one half of a corpus and judge mails of the other.

The corpus has archives or folders named ham and spam. Every second mail of each is for learning; the others are
judged, or of them MAILS, half of these spam if there are so many. Both programs have the same rules, no network, and do not learn while
they judge. Prints a table for what Bayes alone says (its probability, half or more is spam) and one for the whole score, and how far the
two programs' BAYES rules agree. Exit 1 when we are less accurate, or call more ham spam, than SpamAssassin in either table.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import threading

from agree import BATCH, mails_of, oracle_environment


def kind_of(path):
    parts = pathlib.Path(path).parts
    return "spam" if "spam" in parts else "ham" if "ham" in parts else None


def halves(mails):
    """{kind: mails} to learn, and to judge."""
    learn, judge = {}, {}
    for kind in ("ham", "spam"):
        of_kind = [m for m in mails if kind_of(m) == kind]
        learn[kind], judge[kind] = of_kind[0::2], of_kind[1::2]
    return learn, judge


def sample(judge, count):
    spam = judge["spam"][:count // 2]
    ham = judge["ham"]
    room = min(count - len(spam), len(ham))
    return [ham[n * len(ham) // room] for n in range(room)] + spam


def teach_oracle(root, site, state, learn):
    if (state / "learned").exists():
        return
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    # Perl with -T takes no libraries from its environment.
    environment = oracle_environment(root)
    libraries = [f"-I{path}" for path in environment["PERL5LIB"].split(":")]
    program = ["perl", "-T", *libraries, root / "usr/bin/sa-learn", f"--configpath={root / 'usr/share/spamassassin'}",
               f"--siteconfigpath={site}", f"--prefspath={state / 'none'}"]
    for kind, mails in learn.items():
        names = state / f"{kind}.list"
        names.write_text("\n".join(mails) + "\n")
        print(f"sa-learn --{kind}: {len(mails)} mails", file=sys.stderr)
        subprocess.run([*program, f"--{kind}", "--no-sync", f"--folders={names}"], env=environment, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*program, "--sync"], env=environment, check=True)
    (state / "learned").touch()


def known_verdicts(state):
    """What SpamAssassin has said so far. A line that is not whole was cut when it was stopped."""
    known = {}
    for path in sorted(state.glob("verdicts*.tsv")):
        for fields in (line.split("\t") for line in path.read_text().splitlines()):
            if len(fields) == 4:
                mail, score, hits, probability = fields
                known[mail] = (float(score), {h.split("=")[0] for h in hits.split() if h.startswith("BAYES_")}, float(probability) if probability else None)
    return known


def oracle_verdicts(root, site, state, mails):
    """{mail: (score, BAYES rules, probability or None)}. Minutes of work, so each answer is kept as it comes."""
    known = known_verdicts(state)
    missing = [m for m in mails if m not in known]

    def run(number):
        command = ["perl", str(pathlib.Path(__file__).parent / "agree_oracle.pl"), root / "usr/share/spamassassin", site, state, "bayes"]
        with (state / f"verdicts-{number}.tsv").open("a") as file:
            subprocess.run(command, env=oracle_environment(root), text=True, input="\n".join(missing[number::2]) + "\n", stdout=file, check=True)

    if missing:
        print(f"asking SpamAssassin about {len(missing)} mails", file=sys.stderr)
        threads = [threading.Thread(target=run, args=(number,)) for number in range(min(2, len(missing)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        known = known_verdicts(state)
        if not_judged := [m for m in mails if m not in known]:
            sys.exit(f"agree: SpamAssassin has no verdict of {len(not_judged)} mails, {not_judged[0]} among them")
    return {m: known[m] for m in mails}


def our_verdicts(program, rules, out, learn, mails):
    database = out / "bayes.db"
    for leftover in out.glob("bayes.db*"):
        leftover.unlink()
    common = [word for rule in rules for word in ("--rules", rule)] + ["--local", "--cache", out, "--bayes", database]
    for kind, of_kind in learn.items():
        for start in range(0, len(of_kind), BATCH):
            subprocess.run([program, "filter", "learn", kind, *common, *of_kind[start:start + BATCH]], check=True, stdout=subprocess.DEVNULL)
    verdicts = {}
    for start in range(0, len(mails), BATCH):
        answer = subprocess.run([program, "filter", "test", "--json", *common, *mails[start:start + BATCH]],
                                text=True, stdout=subprocess.PIPE, check=True).stdout
        for line in answer.splitlines():
            verdict = json.loads(line)
            rules_hit = {h["rule"] for h in verdict["hits"] if h["rule"].startswith("BAYES_")}
            verdicts[verdict["file"]] = (verdict["score"], rules_hit, verdict.get("bayes"))
    return verdicts


def table(title, programs, is_spam):
    """Prints it; whether ours (the first) is at least as good as the other."""
    print(f"\n{title}\n{'':14} {'right':>9} {'ham as spam':>12} {'spam as ham':>12} {'accuracy':>9}")
    rows = []
    for name, verdicts in programs:
        wrong_ham = sum(kind_of(m) == "ham" and is_spam(v) for m, v in verdicts.items())
        wrong_spam = sum(kind_of(m) == "spam" and not is_spam(v) for m, v in verdicts.items())
        right = len(verdicts) - wrong_ham - wrong_spam
        print(f"{name:14} {right:4}/{len(verdicts):4} {wrong_ham:12} {wrong_spam:12} {100 * right / len(verdicts):7.2f} %")
        rows.append((right, wrong_ham))
    return rows[0][0] >= rows[1][0] and rows[0][1] <= rows[1][1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--oracle", type=pathlib.Path, required=True)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--mails", type=int, default=0)
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    root = arguments.oracle.resolve()
    learn, judge = halves(mails_of(arguments.corpus, out))
    if not learn["ham"] or not learn["spam"]:
        sys.exit("agree: the corpus has no folders or archives named ham and spam")
    mails = sample(judge, arguments.mails or 10**9)
    site, state = out / "site", out / "state"
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(root / "site", site)
    lines = [line for line in (site / "local.cf").read_text().splitlines() if not line.startswith("use_bayes")]
    (site / "local.cf").write_text("\n".join([*lines, "use_bayes 1", "bayes_auto_learn 0", "bayes_auto_expire 0", f"bayes_path {state / 'bayes'}", ""]))
    teach_oracle(root, site, state, learn)
    theirs = oracle_verdicts(root, site, state, mails)
    ours = our_verdicts(arguments.program.resolve(), [root / "usr/share/spamassassin", site], out, learn, mails)
    programs = [("ringpost", ours), ("spamassassin", theirs)]
    print(f"learned {len(learn['ham'])} ham and {len(learn['spam'])} spam; judged {len(mails)} other mails")
    good = [table("Bayes alone", programs, lambda v: (v[2] if v[2] is not None else 0) >= 0.5),
            table("whole score, 5.0 or more is spam", programs, lambda v: v[0] >= 5)]
    same = sum(ours[m][1] == theirs[m][1] for m in mails)
    near = sum(ours[m][2] is not None and theirs[m][2] is not None and abs(ours[m][2] - theirs[m][2]) <= 0.001 for m in mails)
    print(f"\nsame BAYES rules: {100 * same / len(mails):.2f} % of mails; probability within 0.001: {100 * near / len(mails):.2f} %")
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
