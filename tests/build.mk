# SPDX-License-Identifier: MIT
#
# Tests and what only they need: Debian's third-party packages, the guests of tests/guests, the `test` and
# `oracle` verbs.  Each test is a file *.t that prints TAP; prove runs them, the fast ones first.

# Third-party files come from Debian, each pinned in tests/lib/third-party.txt.
# $(THIRD)/NAME/.done says that package NAME is fetched, checked and unpacked in $(THIRD)/NAME/; it depends on
# its own row, $(THIRD)/NAME.row, so that a new row has nothing else fetched and built again.
THIRD_NAMES := $(shell sed -n 's/^\([a-z0-9][^ ]*\) .*/\1/p' tests/lib/third-party.txt)
$(THIRD)/rows: tests/lib/third-party.txt
	@mkdir -p $(@D)
	$(Q)for name in $(THIRD_NAMES); do sed -n "/^$$name /p" $< >$(@D)/new.row; \
	    cmp -s $(@D)/new.row $(@D)/$$name.row || mv $(@D)/new.row $(@D)/$$name.row; done; touch $@
$(THIRD_NAMES:%=$(THIRD)/%.row): $(THIRD)/rows ;
$(THIRD_NAMES:%=$(THIRD)/%/.done): $(THIRD)/%/.done: $(THIRD)/%.row
	@echo "  FETCH   $*"
	$(Q)$(PYTHON) tests/lib/fetch.py --pins tests/lib/third-party.txt --dir $(THIRD) $*

# What tests/guests/build.mk defines, those after it use.
include $(wildcard $(patsubst %,tests/%/build.mk,abi unit guests linux bench fuzz fuzz/builder system))

ifdef T
TESTS := $(or $(wildcard $(addsuffix .t,$(patsubst %.t,%,tests/$(T) $(T)))),$(error no such test: $(T)))
else
TESTS := $(wildcard tests/abi/*.t tests/unit/*.t minios/tests/*.t toolstack/tests/*.t tests/guests/*.t \
    tests/fuzz/*.t tests/fuzz/builder/*.t tests/system/*.t tests/linux/*.t)
endif

#: make test       build and run every test; make test T=system/boot runs tests/system/boot.t alone
test: $(ALL) $(B)/tenon.iso $(TEST_DEPS)
	+@TENON_BUILD=$(B) prove --timer --merge $(if $(V),--verbose,--failures --comments) $(TESTS)
