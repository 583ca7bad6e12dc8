"""Processes that share work by pipes."""

import multiprocessing


def work(number):
    total = 0
    for i in range(20000):
        total += i * number % 7
    return total


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(sum(pool.map(work, range(60), chunksize=5)))
