#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz programs for OSS-Fuzz, ClusterFuzzLite, or by hand: run it in the project's folder.
#   CC, CXX, CFLAGS, CXXFLAGS   the compiler and its flags (clang)
#   LIB_FUZZING_ENGINE          what links the engine (-fsanitize=fuzzer)
#   SANITIZER                   address, undefined or none; only heeded where there are no CXXFLAGS (address)
#   OUT, WORK                   where the programs with seeds and dictionaries go, and where they are built
set -euo pipefail

export CC=${CC:-clang} CXX=${CXX:-clang++}
out=${OUT:-$PWD/build/cluster/out} work=${WORK:-$PWD/build/cluster/work}
engine=${LIB_FUZZING_ENGINE:--fsanitize=fuzzer}
programs=(own wire script capture run_log judge)

if [[ -z ${CXXFLAGS:-} ]]; then
  flags='-O1 -g1 -fno-omit-frame-pointer'
  case ${SANITIZER:-address} in
    none) ;;
    undefined) flags+=' -fsanitize=undefined -fno-sanitize-recover=all' ;;
    *) flags+=" -fsanitize=${SANITIZER:-address}" ;;
  esac
  # afl-clang-fast makes code ready for its engine by itself.
  [[ $CXX == *afl* ]] || flags+=' -fsanitize=fuzzer-no-link'
  export CFLAGS=$flags CXXFLAGS=$flags
fi

# What the programs need of this machine goes with them. Assertions stay on; the formatting library is used as headers,
# because it may be compiled for another C++ library.
mkdir -p "$out/lib" "$work"
cmake -S . -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE= -DTCPASSAY_FUZZ=ON -DTCPASSAY_FUZZ_ENGINE="$engine" \
  -DTCPASSAY_UNITY=ON -DTCPASSAY_TESTS=OFF -DTCPASSAY_PYTHON=OFF -DTCPASSAY_STACKS=OFF \
  -DCMAKE_CXX_FLAGS="$CXXFLAGS -DFMT_HEADER_ONLY" \
  -DCMAKE_EXE_LINKER_FLAGS=-Wl,--as-needed -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON -DCMAKE_INSTALL_RPATH='$ORIGIN/lib'
targets=(make_seeds "${programs[@]/%/_fuzzer}")
[[ $CXX == *afl* ]] && targets+=(tcpassay_afl_mutator)
ninja -C "$work/build" ${JOBS:+-j "$JOBS"} "${targets[@]}"
[[ $CXX == *afl* ]] && cp "$work/build/fuzz/tcpassay_afl_mutator.so" "$out/"

rm -rf "$work/seeds"
"$work/build/fuzz/make_seeds" "$work/seeds" corpus
for program in "${programs[@]}"; do
  kind=$program length=65536
  [[ $program == own ]] && kind=stack length=8192
  cp "$work/build/fuzz/${program}_fuzzer" "$out/"
  ldd "$out/${program}_fuzzer" | awk '$3 ~ /lib(pcap|zstd|lzma|z|dbus|ibverbs|nl|systemd)/ { print $3 }' |
    xargs -r cp -Lt "$out/lib"
  (cd "$work/seeds/$kind" && python3 -m zipfile -c "$out/${program}_fuzzer_seed_corpus.zip" .)
  printf '[libfuzzer]\nmax_len = %d\n' "$length" > "$out/${program}_fuzzer.options"
  [[ -f fuzz/dictionaries/$program.dict ]] && cp "fuzz/dictionaries/$program.dict" "$out/${program}_fuzzer.dict"
done
echo "build: ${#programs[@]} fuzz programs in $out"
