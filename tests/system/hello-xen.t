#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# MiniOS speaks Xen's ABI and not a dialect of it: the `hello` image, as it is, is the first domain of
# Debian's Xen 4.17.
import sys

sys.path.insert(0, 'tests/lib')
from machine import BUILD
from tap import Tap


def talk(machine):
    machine.expect('Xen version 4.17', 30, "Xen's banner")
    machine.expect('^hello: type a line', 30, 'invitation of hello')
    machine.type('mortise\r')
    machine.expect('^hello: you said: mortise', 10, 'answer of hello')
    machine.type('quit\r')
    machine.expect('Hardware Dom0 halted', 20, "Xen's message that its first domain powered off")


tap = Tap()
tap.boot('hello runs as the first domain of Xen 4.17', talk, name='hello-xen', limit=60,
         kernel=BUILD / 'oracle/xen', modules=[BUILD / 'minios/hello'],
         options='console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0_mem=64M dom0_max_vcpus=1')
tap.done()
