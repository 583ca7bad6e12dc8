interface Shape {
  readonly kind: "circle" | "square";
  area(): number;
}

class Circle implements Shape {
  readonly kind = "circle";
  constructor(private readonly radius: number) {}
  area(): number {
    return Math.PI * this.radius ** 2;
  }
}

class Square implements Shape {
  readonly kind = "square";
  constructor(private readonly side: number) {}
  area(): number {
    return this.side ** 2;
  }
}

type Grouped = Partial<Record<Shape["kind"], Shape[]>>;

export function group(shapes: readonly Shape[]): Grouped {
  const grouped: Grouped = {};
  for (const shape of shapes) (grouped[shape.kind] ??= []).push(shape);
  return grouped;
}

console.log(group([new Circle(1), new Square(2)]));
