# What small networks learn hints from: the first stack of the trained 2-stack hourglass.
teacher = dict(type="StackedHourglass", num_stacks=1, channels=64)
teacher_weights = "zoo://hourglass"
teacher_16x16 = "hourglasses.0.0.inner"  # 64 channels, on images of 128x128
teacher_8x8 = "hourglasses.0.0.inner.inner"
