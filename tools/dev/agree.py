#!/usr/bin/env python3
"""Compares the rules that hit, mail by mail, between Debian's SpamAssassin and `ringpost filter test`.

Writes OUT/theirs.tsv and OUT/ours.tsv (mail, score, hits) and OUT/differences.tsv (rule, mail, who), and prints the agreement over
all (mail, rule) hits, how many scores are equal within 0.1, and a table of the rules that differ. What SpamAssassin said is kept: it
takes half a second a mail. Exit 1 when the agreement is below 99.5 % or the scores below 98 %.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import threading

AGREEMENT_MIN, SCORES_MIN = 99.5, 98.0
BATCH = 200

# Why a rule may differ, where the cause is known and stays.
CAUSES = {}


def mails_of(corpus, out):
    """Paths of all mails: files of the folder, and those of its archives, unpacked once."""
    for archive in sorted(corpus.glob("*.tar.zst")):
        folder = out / "mails" / archive.name.removesuffix(".tar.zst")
        if not folder.exists():
            folder.mkdir(parents=True)
            subprocess.run(["tar", "--zstd", "-xf", archive, "-C", folder], check=True)
    folders = [out / "mails"] if list(corpus.glob("*.tar.zst")) else [corpus]
    return sorted(str(p) for f in folders for p in f.rglob("*") if p.is_file() and p.suffix in (".eml", ".txt", ""))


def oracle_environment(root):
    libraries = [root / "usr/share/perl5", *root.glob("usr/lib/*/perl5/*"), *root.glob("usr/lib/*/perl5")]
    return {**os.environ, "PERL5LIB": ":".join(str(p.resolve()) for p in libraries), "LANG": "C", "LC_ALL": "C"}


def read_results(path):
    results = {}
    if path.exists():
        for line in path.read_text().splitlines():
            mail, score, hits = line.split("\t")
            if score != "failed":
                results[mail] = (float(score), {h.split("=")[0] for h in hits.split()})
    return results


def ask_oracle(root, mails, path):
    """Appends what is not known yet to `path`; two processes, each with half."""
    known = read_results(path)
    missing = [m for m in mails if m not in known]
    lock = threading.Lock()

    def run(part):
        command = ["perl", str(pathlib.Path(__file__).parent / "agree_oracle.pl"), root / "usr/share/spamassassin", root / "site", root / "state"]
        process = subprocess.Popen(command, env=oracle_environment(root), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        feeder = threading.Thread(target=lambda: (process.stdin.write("\n".join(part) + "\n"), process.stdin.close()))
        feeder.start()
        for line in process.stdout:
            with lock, path.open("a") as file:
                file.write(line)
        feeder.join()
        if process.wait() != 0:
            sys.exit("agree: SpamAssassin failed")

    if missing:
        print(f"asking SpamAssassin about {len(missing)} mails", file=sys.stderr)
        threads = [threading.Thread(target=run, args=(missing[n::2],)) for n in range(2) if missing[n::2]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return read_results(path)


def ask_ourselves(program, root, mails, out):
    results = {}
    with (out / "ours.tsv").open("w") as file:
        for start in range(0, len(mails), BATCH):
            command = [program, "filter", "test", "--json", "--local", "--rules", root / "usr/share/spamassassin", "--rules", root / "site",
                       "--cache", out, *mails[start:start + BATCH]]
            answer = subprocess.run(command, text=True, capture_output=True, check=True).stdout
            for line in answer.splitlines():
                verdict = json.loads(line)
                hits = {h["rule"]: h["score"] for h in verdict["hits"]}
                results[verdict["file"]] = (verdict["score"], set(hits))
                file.write(f"{verdict['file']}\t{verdict['score']:.3f}\t{' '.join(f'{r}={s:g}' for r, s in sorted(hits.items()))}\n")
    return results


def compare(ours, theirs, out):
    both = either = close = 0
    only = collections.defaultdict(lambda: {"ours": [], "theirs": []})
    for mail, (score, hits) in theirs.items():
        our_score, our_hits = ours[mail]
        both += len(hits & our_hits)
        either += len(hits | our_hits)
        close += abs(score - our_score) <= 0.1 + 1e-9
        for rule in our_hits - hits:
            only[rule]["ours"].append(mail)
        for rule in hits - our_hits:
            only[rule]["theirs"].append(mail)
    with (out / "differences.tsv").open("w") as file:
        for rule, sides in sorted(only.items()):
            for side, mails in sides.items():
                for mail in mails:
                    file.write(f"{rule}\t{side}\t{mail}\n")
    agreement = 100 * both / max(either, 1)
    scores = 100 * close / max(len(theirs), 1)
    print(f"agreement: {agreement:.2f} % ({both} hits in both, {either} in either)")
    print(f"scores within 0.1: {scores:.2f} % ({close} of {len(theirs)} mails)")
    if only:
        print(f"{'rule':40} {'only ours':>9} {'only theirs':>11}  cause, or a mail")
    for rule, sides in sorted(only.items(), key=lambda item: -sum(map(len, item[1].values()))):
        example = pathlib.Path((sides["ours"] or sides["theirs"])[0])
        print(f"{rule:40} {len(sides['ours']):9} {len(sides['theirs']):11}  {CAUSES.get(rule, example.parent.name + '/' + example.name)}")
    return agreement >= AGREEMENT_MIN and scores >= SCORES_MIN


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--oracle", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--mails", type=int, default=0, help="so many, evenly over the corpus; 0: all")
    parser.add_argument("--list", action="store_true", help="only print the paths of the mails")
    arguments = parser.parse_args()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    mails = mails_of(arguments.corpus, out)
    if not mails:
        sys.exit("agree: no mails there")
    if 0 < arguments.mails < len(mails):
        mails = [mails[n * len(mails) // arguments.mails] for n in range(arguments.mails)]
    if arguments.list:
        print("\n".join(mails))
        return
    theirs = ask_oracle(arguments.oracle, mails, out / "theirs.tsv")
    ours = ask_ourselves(arguments.program.resolve(), arguments.oracle, mails, out)
    chosen = {mail: theirs[mail] for mail in mails if mail in theirs}
    sys.exit(0 if compare(ours, chosen, out) else 1)


if __name__ == "__main__":
    main()
