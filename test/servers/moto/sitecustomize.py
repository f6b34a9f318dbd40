# Python imports this file when moto starts. moto checks a put's condition and writes in two steps without a lock, so
# two of fifty racing puts can win when Python changes threads in between. DynamoDB does not do that: let a thread go
# on until it waits for something.
import sys

sys.setswitchinterval(3600)
