# SPDX-License-Identifier: GPL-2.0-only

BASE	?= 6.12
KERNEL	?=
CONFIG	?=
ARCH	?= x86
ARCHS	?=
TOPOLOGY ?= two-node
ICOUNT	?=
TIMEOUT	?=
TEST	?= *
FILES	?=
COMMANDS ?=
PACKAGES ?=
SUITES	?= check
WALL	?=
STAGE	?=
TIERING	?=
LTP	?=
N	?=
MUTANT	?=
NR	?=
RFC	?=
SIGNOFF	?=

# Quoted for the shell, because a path may have blanks and quotes in it
kernel	:= '$(subst ','\'',$(KERNEL))'
files	:= $(if $(FILES),--files '$(subst ','\'',$(FILES))')

# One directory has everything that is made from one kernel.
ifeq ($(KERNEL),)
OUT	:= build/$(BASE)
else
OUT	:= build/kernel-$(shell basename $(kernel) | tr -c '[:alnum:]._\n-' _)-$(shell printf %s $(kernel) | cksum | cut -d' ' -f1)
endif

ARCHS_KNOWN := $(notdir $(basename $(wildcard guest/arch/*.config)))
ifeq ($(filter $(ARCH),$(ARCHS_KNOWN)),)
$(error ARCH=$(ARCH) is unknown; the known ones are: $(ARCHS_KNOWN))
endif

# These goals choose the kernels themselves.
chooses	:= check check-full check-all mutants coverage $(if $(STAGE),bench)
ifneq ($(and $(CONFIG),$(filter $(chooses),$(MAKECMDGOALS))),)
$(error CONFIG=$(CONFIG) does not change the kernels of $(filter $(chooses),$(MAKECMDGOALS)). To run a suite on \
that kernel, put its name before the suite: make check SUITES=$(CONFIG)/two-node)
endif

export BASE KERNEL CONFIG ARCH ARCHS OUT TOPOLOGY ICOUNT TIMEOUT WALL NR PACKAGES COMMANDS N MUTANT LTP

# The groups of packages that a goal needs. The first step, "source", begins to install all of them in
# the background, so that the later steps need not wait for them.
needs-demo	:= build tools guest demo
needs-check	= build tools kselftests $(shell ARCH=$(ARCH) scripts/check --groups $(SUITES))
needs-check-full = build tools kselftests $(shell ARCH=$(ARCH) scripts/check --groups full)
needs-mutants	:= build kselftests kselftests-32 guest mutants
needs-coverage	:= build kselftests guest
needs-bench	:= build guest bench
needs-kselftest	:= build kselftests guest
needs-guest	:= build guest
needs-shell	:= build tools kselftests guest
needs-gdb	:= build tools guest gdb
needs-kernel	:= build
needs-ltp	:= build guest
needs		:= $(sort $(foreach goal,$(MAKECMDGOALS),$(needs-$(goal))))

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo check check-full check-all check-arch mutants coverage bench kselftest guest shell gdb source kernel \
	movephys kselftests kselftests-32 install install-strip uninstall deb package libnuma ltp packages plan apply unapply port series \
	patch manpage-patch dist clean

help: ## print this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 14
	@echo
	@echo "Variables: BASE=$(BASE) (one of: $(notdir $(wildcard bases/*))) or KERNEL=/any/tree;"
	@echo "ARCH=$(ARCH) (one of: $(ARCHS_KNOWN)); CONFIG=NAME, which adds guest/NAME.config, or NAME+NAME;"
	@echo "TOPOLOGY=$(TOPOLOGY) (one of: $(notdir $(wildcard guest/topologies/*))); TIMEOUT=seconds; ICOUNT=1; NR=next;"
	@echo "RFC=1, V=2 and SIGNOFF=1 for patches to mail;"
	@echo "FILES=directory, whose files are copied to / of the guest; PACKAGES=0: install no packages"

demo: kernel movephys ## move pages of a running redis-server by their physical addresses, and draw what happens
	@scripts/packages guest demo
	@scripts/demo

check: kernel movephys kselftests $(filter kselftests-32,$(needs)) ## test the call, the tools and the scripts, or run only SUITES; the last line has the totals
	@scripts/packages $(needs-check)
	@scripts/check $(SUITES)

check-full: kernel movephys kselftests kselftests-32 ## run nearly every test on BASE, also on debug kernels and on kernels with options left out
	@scripts/packages $(needs-check-full)
	@scripts/check full

# KERNEL= names one tree, so it is tested once and not for each base.
check-all: ## run check-full on each base, then print a table of the results and the tested commits
	@status=0; for base in $(if $(KERNEL),$(BASE),$(notdir $(wildcard bases/*))); do \
		$(MAKE) check-full BASE=$$base || status=1; \
	done; scripts/check --table; exit $$status

check-arch: source ## compile the added code for every architecture, or only for ARCHS, with the warnings of W=1
	@scripts/check cross

mutants: override CONFIG := coverage
mutants: kernel kselftests kselftests-32 ## break the engine in N=60 places, or N=all, one at a time, and print how many of these mistakes the tests notice
	@scripts/packages guest mutants
	@scripts/mutants

coverage: override CONFIG := coverage
coverage: kernel kselftests ## print which lines of the engine the tests reach
	@scripts/packages guest
	@scripts/coverage

bench: kernel $(if $(TIERING),movephys) ## measure the cost of this call and of other ways to move pages: instructions, or time with WALL=1; TIERING=1 compares tierd, DAMON and NUMA balancing
	@scripts/packages guest bench $(if $(STAGE),build series)
	@$(if $(STAGE),scripts/stage $(STAGE),$(if $(TIERING),bench/tiering/run $(filter-out 1,$(TIERING)),scripts/bench))

kselftest: kernel kselftests ## run kselftests in the guest: all, or one with TEST=move
	@scripts/packages guest
	@scripts/guest $(files) --files $(OUT)/kselftest$(filter-out -x86,-$(ARCH)) guest/kselftests '$(TEST)'

guest: kernel ## run a static program of yours in the guest: RUN=/path ARGS='...' FILES=DIR
	@[ '$(RUN)' ] || { echo "guest: RUN= is missing: make guest RUN=/path/to/static/program ARGS='...'" >&2; exit 2; }
	@scripts/packages guest
	@scripts/guest $(files) '$(RUN)' $(ARGS)

shell: kernel movephys kselftests ## start a shell in the guest, with movephys, the kselftests and the files of FILES=DIR
	@scripts/packages guest
	@scripts/guest $(files) --shell

# Without RUN=, the program that makes the call is movephys, for the pages of the guest's init.
gdb: override CONFIG := $(addsuffix +,$(filter-out gdb,$(CONFIG)))gdb
gdb: kernel movephys ## stop in gdb where a program calls move_phys_pages(2): RUN=, ARGS=, FILES=, COMMANDS=
	@scripts/packages guest gdb
	@scripts/gdb $(files) $(if $(RUN),'$(RUN)' $(ARGS),build/movephys --to 1 --pid 1)

source: ## fetch the source of BASE, or use KERNEL, and make a work tree with the call
	@scripts/packages source
	@$(if $(needs),scripts/packages --ahead $(needs))
	@scripts/source

kernel: source ## build the guest's kernel
	@scripts/packages build
	@scripts/kernel

movephys: ## build movephys and tierd: static, for the guest
	@scripts/packages tools
	@mkdir -p build
	@scripts/progress 'movephys: building' \
		$(MAKE) -s -C tools/mm/movephys O=$(CURDIR)/build LDFLAGS=-static all

install: ## install movephys and tierd, manual pages, header and completion: DESTDIR=/stage prefix=/usr
install-strip: ## the same, without symbols
install install-strip:
	@scripts/packages tools
	@mkdir -p build/install
	@$(MAKE) -s -C tools/mm/movephys O=$(CURDIR)/build/install \
		$(if $(DESTDIR),DESTDIR=$(abspath $(DESTDIR))) $@

uninstall: ## remove what make install has installed: the same DESTDIR and prefix
	@$(MAKE) -s -C tools/mm/movephys $(if $(DESTDIR),DESTDIR=$(abspath $(DESTDIR))) $@

deb: ## build Debian packages of movephys, tierd and the header, and leave them in dist/
	@scripts/packages tools deb
	@scripts/deb

package: source ## build packages of Linux with the call: KERNEL=, KCONFIG=FILE, OPTIONS='NAME=y', FORMAT=rpm
	@scripts/packages build package $(filter rpm,$(FORMAT))
	@scripts/package

libnuma: ## build libnuma with the call in it, and write the patch for numactl to dist/
	@scripts/packages libnuma
	@scripts/libnuma

ltp: $(if $(LTP),kernel) ## run tests for LTP=/your/ltp in the guest, and write the patch for it to dist/
	@scripts/packages series $(if $(LTP),guest)
	@scripts/ltp

kselftests: source ## build the kselftests
	@scripts/packages kselftests
	@scripts/kselftest

# Only x86 runs 32-bit programs.
kselftests-32: source ## build those of the kselftests that also run as 32-bit programs
	@$(if $(filter x86,$(ARCH)),scripts/packages kselftests-32)
	@$(if $(filter x86,$(ARCH)),scripts/kselftest 32)

packages: ## install the Debian packages that these commands need; without root, print the command for that
	@scripts/packages

plan: ## show what apply would edit in KERNEL=/any/tree; write nothing
apply: ## add the call to KERNEL=/any/tree
unapply: ## remove the call from KERNEL=/any/tree; its files are then as before, byte for byte
plan apply unapply:
	@[ $(kernel) ] || { echo "$@: KERNEL= is missing: make $@ KERNEL=/your/tree" >&2; exit 2; }
	@scripts/graft $@ $(NR:%=--nr=%) $(kernel)

# With LLVM=, as with CROSS_COMPILE=, the compiler is the user's, so Debian's is not needed.
port: ## add the call to a tree of links to KERNEL=/any/tree, compile it for ARCH, and list what is left to do
	@$(if $(LLVM),CROSS_COMPILE=llvm) scripts/packages build
	@scripts/port

# The output is printed at the end, because the progress report uses the same line of the terminal.
# For the kernel's own make, V= has another meaning, so pass it to scripts/series only.
series: ## write a patch series to mail, with a cover letter, for BASE or KERNEL=/any/tree to dist/: RFC=1 V=2 SIGNOFF=1
	@scripts/packages series
	@$(if $(KERNEL),,$(MAKE) source NR= V=)
	@said=$$(RFC='$(RFC)' V='$(V)' SIGNOFF='$(SIGNOFF)' scripts/progress 'series: writing the patches' scripts/series) && \
		echo "$$said"

patch: ## write one patch for BASE, or for KERNEL=/any/tree, to dist/: WITHOUT=selftests,tools leaves these out
	@scripts/packages series
	@$(if $(KERNEL),,$(MAKE) source NR= V=)
	@said=$$(scripts/progress 'patch: writing the patch' scripts/series --patch) && echo "$$said"

# This patch is for another repository and another mailing list than those of "series", so it has a goal of its own,
# and a name that dist/0*.patch does not match. No kernel is needed to make it.
manpage-patch: ## write the manual page of the call to dist/ as a patch to mail for man-pages
	@scripts/packages series
	@scripts/manpage-patch

dist: ## write the commit that is checked out as a source tarball to dist/
	@scripts/packages dist
	@scripts/dist

clean: ## remove build/ and dist/
	rm -rf build dist
