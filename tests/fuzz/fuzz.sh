#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Looks for bytes that break a reader: sh tests/fuzz/fuzz.sh SECONDS [NAME...]
# Runs the entries of these names, or all, for so many seconds each, with Clang's libFuzzer. What they learn stays in
# build-tests/corpus/NAME, or in $VIT_CORPUS/NAME, and the next run goes on from there; NAME.total beside it has the seconds and the
# executions of all runs so far. So hours can be put together from minutes. Bytes that break something are put into
# tests/fuzz/findings/NAME, where every later run of the tests feeds them again: mend the reader, and commit them with it.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:?how many seconds for each entry?}
shift

corpus=${VIT_CORPUS:-build-tests/corpus}
mkdir -p build-tests
cmake -S . -B build-tests/fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DVIT_FUZZ=ON \
    -DVIT_SANITIZE=address,undefined -DVIT_WERROR=ON -DVIT_JXL=ON >build-tests/fuzz.log
cmake --build build-tests/fuzz --target fuzzers --parallel "$(nproc)" >>build-tests/fuzz.log
here=build-tests/fuzz/tests/fuzz
[ $# -gt 0 ] || set -- $(cd $here && ls ./*.seeds | sed 's/.*\///; s/[.]seeds//')

# The words between quotes in what the entry reads with, as a dictionary of libFuzzer's: the reader of JSON wants most of
# them with their quotes, other readers without.
dictionary() {
    case $1 in
    arguments | csv | lists | member_text | npy | rows | tar) room=cli ;;
    hub | preprocessor) room=$1 ;;
    caption | where) room=index ;;
    request) room=serve ;;
    text | merges | tokenizer* | open_clip_tokenizer | spiece | sentencepiece | vocab*) room=text ;;
    *) room=vit ;;
    esac
    case $room in
    preprocessor) set -- vit/preprocess/*.c ;;
    vit) set -- vit/checkpoint/*.c vit/families/[!t]*.c vit/families/text_encoder.c vit/families/timm_[!an]*.c ;;
    text) set -- text/*.c text/file/*.c text/model/*.c ;;
    cli) set -- cli/inputs/*.c cli/base/npy.c cli/job/*.c cli/model/*.c cli/search/*.c ;;
    index) set -- index/where.c index/caption.c ;;
    serve) set -- serve/http/framing.c serve/api/multipart.c ;;
    *) set -- "$room"/*.c ;;
    esac
    grep -ohE '"[A-Za-z0-9_.<>|/=-]{2,40}"' "$@" | sort -u | sed 's/"\(.*\)"/"\1"\n"\\"\1\\""/'
}

# What libFuzzer starts from: those of the entry; of entries that damage one file of a folder, small ones, behind a line that
# names them.
seeds_of() {
    case $1 in
    checkpoints | tokenizers)
        rm -rf "$corpus/$1.start" && mkdir "$corpus/$1.start"
        number=0
        for file in $(find $(tr ',' ' ' <"$here/$1.seeds") -size -16k); do
            number=$((number + 1))
            case $file in
            */tests/data/*) { echo "${file##*/tests/data/}" && cat "$file"; } >"$corpus/$1.start/$number" ;;
            *) cp "$file" "$corpus/$1.start/$number" ;;
            esac
        done
        find "$corpus/$1.start" -type f | paste -sd, >"$corpus/$1.seeds"
        ;;
    *) cp "$here/$1.seeds" "$corpus/$1.seeds" ;;
    esac
}

# Adds a run of so many seconds to what NAME.total says.
count() {
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$corpus/$1.log")
    before=$(cat "$corpus/$1.total" 2>/dev/null || echo "0 seconds, 0 executions")
    echo "$before $2 ${executed:-0}" | awk '{print $1 + $5 " seconds, " $3 + $6 " executions"}' >"$corpus/$1.total.next"
    mv "$corpus/$1.total.next" "$corpus/$1.total"
    echo "in all: $(cat "$corpus/$1.total")"
}

broken=
for name; do
    echo "== $name"
    mkdir -p "$corpus/$name" "tests/fuzz/findings/$name"
    dictionary "$name" >"$corpus/$name.dict"
    seeds_of "$name"
    began=$(date +%s)
    nice -n 10 setarch -R "$here/fuzz_$name" -max_total_time="$seconds" -max_len=16384 -timeout=20 -print_final_stats=1 \
        -dict="$corpus/$name.dict" -seed_inputs=@"$corpus/$name.seeds" -artifact_prefix="tests/fuzz/findings/$name/" "$corpus/$name" \
        >"$corpus/$name.log" 2>&1 || broken="$broken $name"
    count "$name" $(($(date +%s) - began))
    grep -E 'stat::(number_of_executed_units|new_units)|SUMMARY|deadly' "$corpus/$name.log" || true
    rmdir "tests/fuzz/findings/$name" 2>/dev/null || true
done
[ -z "$broken" ] || { echo "Broken:$broken" >&2; exit 1; }
