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
N	?=
MUTANT	?=
NR	?=

# For a shell, whatever its name is
kernel	:= '$(subst ','\'',$(KERNEL))'
files	:= $(if $(FILES),--files '$(subst ','\'',$(FILES))')

# Everything that is made of one kernel lies in one directory.
ifeq ($(KERNEL),)
OUT	:= build/$(BASE)
else
OUT	:= build/kernel-$(shell basename $(kernel) | tr -c '[:alnum:]._\n-' _)-$(shell printf %s $(kernel) | cksum | cut -d' ' -f1)
endif

ARCHS_KNOWN := $(notdir $(basename $(wildcard guest/arch/*.config)))
ifeq ($(filter $(ARCH),$(ARCHS_KNOWN)),)
$(error ARCH=$(ARCH) is not known; there are: $(ARCHS_KNOWN))
endif

export BASE KERNEL CONFIG ARCH ARCHS OUT TOPOLOGY ICOUNT TIMEOUT WALL NR PACKAGES COMMANDS N MUTANT

# The groups of packages that a goal takes, to ask for all of them before its first step
needs-demo	:= build tools guest demo
needs-check	:= all
needs-check-full := all cross mutants stress peers
needs-mutants	:= build kselftests guest mutants
needs-coverage	:= build kselftests guest
needs-bench	:= build guest bench
needs-kselftest	:= build kselftests guest
needs-guest	:= build guest
needs-shell	:= build tools kselftests guest
needs-gdb	:= build tools guest gdb
needs-kernel	:= build
needs		:= $(sort $(foreach goal,$(MAKECMDGOALS),$(needs-$(goal))))

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo check check-full check-all check-arch mutants coverage bench kselftest guest shell gdb source kernel \
	movephys kselftests install install-strip uninstall deb libnuma packages plan apply unapply port series patch dist clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14
	@echo
	@echo "Variables: BASE=$(BASE) (one of: $(notdir $(wildcard bases/*))) or KERNEL=/any/tree;"
	@echo "ARCH=$(ARCH) (one of: $(ARCHS_KNOWN));"
	@echo "TOPOLOGY=$(TOPOLOGY) (one of: $(notdir $(wildcard guest/topologies/*))); TIMEOUT=seconds; ICOUNT=1; NR=next;"
	@echo "FILES=directory that goes into the guest; PACKAGES=0 installs none"

demo: kernel movephys ## watch a real program's pages move by their physical addresses
	@scripts/packages guest demo
	@scripts/demo

check: kernel movephys kselftests ## prove all that is promised once, or run SUITES; the last line is the sum
	@scripts/packages
	@scripts/check $(SUITES)

check-full: kernel movephys kselftests ## run every test on one base, on kernels that look for trouble or lack options, too
	@scripts/packages all cross mutants stress peers
	@scripts/check full

# A tree of the user's is no base.
check-all: ## check-full on each base, and a table of the results and the commits that they are of
	@status=0; for base in $(if $(KERNEL),$(BASE),$(notdir $(wildcard bases/*))); do \
		$(MAKE) check-full BASE=$$base || status=1; \
	done; scripts/check --table; exit $$status

check-arch: source ## compile what is grafted for every architecture, or ARCHS, with the warnings of W=1
	@scripts/check cross

mutants: override CONFIG := coverage
mutants: kernel kselftests ## break the engine in N=60 places, or N=all, one at a time: do the tests notice?
	@scripts/packages guest mutants
	@scripts/mutants

coverage: override CONFIG := coverage
coverage: kernel kselftests ## which lines of the engine do the tests reach?
	@scripts/packages guest
	@scripts/coverage

bench: kernel ## what a move costs beside the other ways, in instructions; by the clock with WALL=1
	@scripts/packages guest bench
	@scripts/bench

kselftest: kernel kselftests ## run kselftests in the guest: TEST=move, or all
	@scripts/packages guest
	@scripts/guest $(files) --files $(OUT)/kselftest$(filter-out -x86,-$(ARCH)) guest/kselftests '$(TEST)'

guest: kernel ## run a static program of yours in the guest: RUN=/path ARGS='...' FILES=DIR
	@[ '$(RUN)' ] || { echo "guest: say what to run: make guest RUN=/path/to/static/program ARGS='...'" >&2; exit 2; }
	@scripts/packages guest
	@scripts/guest $(files) '$(RUN)' $(ARGS)

shell: kernel movephys kselftests ## a shell in the guest, with the tools and tests at hand, and FILES=DIR
	@scripts/packages guest
	@scripts/guest $(files) --shell

# What gdb is to show first, unless RUN= is some program: the pages of the guest's init
gdb: override CONFIG := $(addsuffix +,$(filter-out gdb,$(CONFIG)))gdb
gdb: kernel movephys ## stop in gdb where a program calls move_phys_pages(2): RUN=, ARGS=, FILES=, COMMANDS=
	@scripts/packages guest gdb
	@scripts/gdb $(files) $(if $(RUN),'$(RUN)' $(ARGS),build/movephys --to 1 --pid 1)

source: ## fetch BASE's source, or take KERNEL's, and make the grafted work tree
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

libnuma: ## build libnuma with the call in it, and write the patch for numactl to dist/
	@scripts/packages libnuma
	@scripts/libnuma

kselftests: source ## build the kselftests
	@scripts/packages kselftests
	@scripts/kselftest
	@$(if $(filter x86,$(ARCH)),scripts/kselftest 32)

packages: ## install the Debian packages that all this needs, or say how
	@scripts/packages

plan: ## show what grafting KERNEL=/any/tree would edit
apply: ## graft KERNEL=/any/tree
unapply: ## take the graft out of KERNEL=/any/tree, to the byte
plan apply unapply:
	@[ $(kernel) ] || { echo "$@: say which tree: make $@ KERNEL=/your/tree" >&2; exit 2; }
	@scripts/graft $@ $(NR:%=--nr=%) $(kernel)

port: ## try to graft KERNEL=/any/tree, compile what that touches (for ARCH=), and say what is left to do
	@scripts/packages build
	@scripts/port

series: ## write the patches to mail, with a cover letter, to dist/
	@$(if $(KERNEL),,$(MAKE) source NR=)
	@scripts/series

patch: ## write one patch for KERNEL=/any/tree to dist/
	@$(if $(KERNEL),,$(MAKE) source NR=)
	@scripts/series --patch

dist: ## write the commit that is checked out as a source tarball to dist/
	@scripts/packages dist
	@scripts/dist

clean: ## remove build/ and dist/
	rm -rf build dist
