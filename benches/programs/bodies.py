"""Bodies that attract each other: floating point in objects."""


class Body:
    def __init__(self, place, speed, mass):
        self.place = place
        self.speed = speed
        self.mass = mass


def step(bodies, time):
    for i, one in enumerate(bodies):
        for other in bodies[i + 1 :]:
            way = [a - b for a, b in zip(one.place, other.place)]
            distance = sum(part * part for part in way) + 0.01
            force = time / (distance * distance**0.5)
            for axis in range(3):
                one.speed[axis] -= way[axis] * other.mass * force
                other.speed[axis] += way[axis] * one.mass * force
    for body in bodies:
        for axis in range(3):
            body.place[axis] += time * body.speed[axis]


bodies = [
    Body([i * 1.5, (i * 7) % 5 - 2.0, i * 0.25], [0.0, 0.1 * i, 0.0], 1.0 / (i + 1))
    for i in range(5)
]
for _ in range(6000):
    step(bodies, 0.001)
print([f"{part:.9f}" for body in bodies for part in body.place])
