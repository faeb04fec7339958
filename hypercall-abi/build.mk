# SPDX-License-Identifier: MIT
# The interface: headers and tables need no building. docs/abi.md is made from them and committed; tests/abi fails
# when it is not current.

.PHONY: abi-doc
abi-doc:
	$(Q)$(PYTHON) hypercall-abi/gen-abi-doc.py >docs/abi.md.new && mv docs/abi.md.new docs/abi.md
